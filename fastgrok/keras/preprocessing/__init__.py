"""Where Keras also has `pad_sequences`; texts and images are prepared with NumPy, or with `fastgrok.data`."""

from typing import Any

from ..hints import missing
from . import sequence

__all__ = ["sequence"]


def __getattr__(name: str) -> Any:
    raise missing(__name__, f"preprocessing.{name}", name)

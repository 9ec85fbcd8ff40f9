"""Data sets by name: `load_data()` of each downloads once, checks and keeps; see `fastgrok.data`."""

from typing import Any

from ..hints import missing
from . import fashion_mnist, imdb, mnist

__all__ = ["fashion_mnist", "imdb", "mnist"]


def __getattr__(name: str) -> Any:
    raise missing(__name__, f"datasets.{name}", name)

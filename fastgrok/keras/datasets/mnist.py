"""Handwritten digits."""

from typing import Any

from ...data.images import mnist
from .images import four_arrays

__all__ = ["load_data"]


def load_data(path: str = "mnist.npz") -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return (x_train, y_train), (x_test, y_test): images (60000, 28, 28) and (10000, 28, 28), uint8, and classes.

    The files are those of `fastgrok.data.images.mnist`; `path` is taken and changes nothing.

    Raises `DatasetError`, which says what to do, when they are not here and cannot be downloaded.
    """
    return four_arrays("mnist", mnist)

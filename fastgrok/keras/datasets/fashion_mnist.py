"""Clothes in the form of MNIST."""

from typing import Any

from ...data.images import fashion_mnist
from .images import four_arrays

__all__ = ["load_data"]


def load_data() -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return (x_train, y_train), (x_test, y_test): images (60000, 28, 28) and (10000, 28, 28), uint8, and classes.

    The files are those of `fastgrok.data.images.fashion_mnist`.

    Raises `DatasetError`, which says what to do, when they are not here and cannot be downloaded.
    """
    return four_arrays("fashion_mnist", fashion_mnist)

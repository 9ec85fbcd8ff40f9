"""Both parts of a data set of images, as Keras returns them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...data.datasets import DatasetError

__all__ = ["four_arrays"]


def four_arrays(name: str, read: Callable[[bool], Any]) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return (x_train, y_train), (x_test, y_test) of `read(train)`, all uint8."""
    try:
        (x_train, y_train), (x_test, y_test) = read(True), read(False)
    except DatasetError as error:
        raise DatasetError(
            f"{error}; all four files are needed (train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-...)"
        ) from None
    return (x_train, y_train.astype(np.uint8)), (x_test, y_test.astype(np.uint8))

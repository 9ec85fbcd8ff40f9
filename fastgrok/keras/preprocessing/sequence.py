"""`pad_sequences`, as in `fastgrok.keras.utils`."""

from ..utils import pad_sequences

__all__ = ["pad_sequences"]

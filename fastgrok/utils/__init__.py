"""Helpers under the names that PyTorch gives them: `utils.data`."""

from . import data

__all__ = ["data"]

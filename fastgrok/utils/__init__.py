"""Helpers under the names that PyTorch gives them, `utils.data`, and `summary` of a model."""

from . import data
from .model_summary import summary

__all__ = ["data", "summary"]

"""Data sets by name: `load_data()` of each downloads once, checks and keeps; see `fastgrok.data`."""

from . import fashion_mnist, imdb, mnist

__all__ = ["fashion_mnist", "imdb", "mnist"]

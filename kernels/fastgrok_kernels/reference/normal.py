"""References of normal.py: the magnitude that is exceeded with a random probability, looked up in a table of them."""

import numpy as np

from .dropout import _random_words


def normal_into(y, seed):
    """Fill y."""
    words = _random_words(y.size, seed)
    exceeded = ((words & 0x7FFFFFFF) + 0.5) / 2**31
    z = np.linspace(0, 7, 70_001)
    density = np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2)
    steps = (density[1:] + density[:-1]) / 2 * (z[1] - z[0])
    beyond = np.append(np.cumsum(steps[::-1])[::-1], 0) + 2.56e-12  # of magnitudes larger than 7
    magnitude = np.interp(-np.log(exceeded), -np.log(beyond / beyond[0]), z)
    y[...] = np.where(words >> 31, -magnitude, magnitude).reshape(y.shape)

"""Digits drawn by a program: what stands in for handwritten ones where there is no network."""

from itertools import pairwise

import numpy as np

__all__ = ["drawn_digits"]

_SIDE = 28


def _arc(x: float, y: float, width: float, height: float, first: float, last: float) -> list[tuple[float, float]]:
    """Return points of an arc about (x, y); angles are in quarter turns, clockwise from the right."""
    angles = np.linspace(first, last, 9) * np.pi / 2
    return [(x + width * np.cos(angle), y + height * np.sin(angle)) for angle in angles]


# Each digit as pen strokes through points (x, y) from -1 to 1; y points downward.
_STROKES = (
    [_arc(0, 0, 0.55, 0.95, 0, 4)],
    [[(-0.35, -0.55), (0.1, -0.95), (0.1, 0.95)]],
    [[*_arc(0, -0.45, 0.5, 0.5, -2, 0.4), (-0.55, 0.95), (0.6, 0.95)]],
    [_arc(-0.05, -0.48, 0.5, 0.46, -1.9, 1), _arc(-0.05, 0.46, 0.58, 0.48, -1, 1.9)],
    [[(0.1, -0.95), (-0.6, 0.3), (0.6, 0.3)], [(0.3, -0.25), (0.25, 0.95)]],
    [[(0.5, -0.95), (-0.4, -0.95), (-0.45, -0.1), *_arc(-0.05, 0.35, 0.55, 0.58, -1, 1.8)]],
    [[(0.35, -0.95), (-0.3, -0.3), *_arc(0, 0.4, 0.5, 0.52, -2, 2)]],
    [[(-0.55, -0.9), (0.55, -0.9), (-0.1, 0.95)]],
    [_arc(0, -0.47, 0.42, 0.45, 1, 5), _arc(0, 0.47, 0.52, 0.48, -1, 3)],
    [[*_arc(0, -0.42, 0.48, 0.5, 0, 4), (0.35, 0.95)]],
)


def drawn_digits(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw `n` digits, each turned, slanted, stretched and shifted a little, with a pen of its own width.

    Returns
    -------
    images : (N, 28, 28) uint8
        White on black, as in MNIST, but easier to read.
    labels : (N,) int64
        From 0 to 9, in no order.
    """
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, n)

    def between(low: float, high: float) -> np.ndarray:
        return random.uniform(low, high, (n, 1)).astype(np.float32)

    turn, slant = between(-0.25, 0.25), between(-0.25, 0.25)
    width, height = between(7, 10), between(7, 10)
    left, top = ((_SIDE - 1) / 2 + between(-2, 2) for _ in range(2))
    pen = between(0.9, 1.8)
    # Each pixel looks up where it lies on the sheet on which the digit stands upright.
    row, column = np.indices((_SIDE, _SIDE), np.float32).reshape(2, 1, -1)
    x, y = column - left, row - top
    x, y = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    x = x + slant * y
    ink = np.zeros((n, _SIDE * _SIDE), np.float32)
    for digit, strokes in enumerate(_STROKES):
        mine = labels == digit
        scale = (width[mine], height[mine])
        for stroke in strokes:
            for start, end in pairwise(stroke):
                distance = _distance(x[mine], y[mine], start, end, scale)
                ink[mine] = np.maximum(ink[mine], np.clip(pen[mine] + 0.5 - distance, 0, 1))
    return (255 * ink).round().astype(np.uint8).reshape(n, _SIDE, _SIDE), labels


def _distance(x: np.ndarray, y: np.ndarray, start: tuple, end: tuple, scale: tuple) -> np.ndarray:
    """Return how far points (x, y) are from the line between two points, which are scaled first."""
    (x0, y0), (x1, y1) = ((px * scale[0], py * scale[1]) for px, py in (start, end))
    dx, dy = x1 - x0, y1 - y0
    along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
    return np.hypot(x - x0 - along * dx, y - y0 - along * dy)

"""Copies of parts of a matrix into panels: K rows of NR neighbouring columns, padded with zeros, as the tile wants B.

All arrays are flat.
"""

from . import jit
from .simd import lanes_of
from .vector import load, store, transpose


@jit.serial
def pack_panel(source, s0, s_row, columns, depth, panel, p0, p_row, width):
    """panel[p0 + k * p_row + j] = source[s0 + k * s_row + j] for k < depth, j < columns; zeros up to j = width."""
    lanes = lanes_of(panel)
    if columns == width:
        for k in range(depth):
            for j in range(0, width, lanes):
                store(panel, p0 + k * p_row + j, load(source, s0 + k * s_row + j))
        return
    for k in range(depth):
        for j in range(columns):
            panel[p0 + k * p_row + j] = source[s0 + k * s_row + j]
        for j in range(columns, width):
            panel[p0 + k * p_row + j] = 0


@jit.serial
def pack_panel_transposed(source, s0, s_column, columns, depth, panel, p0, p_row, width):
    """panel[p0 + k * p_row + j] = source[s0 + j * s_column + k], else as `pack_panel`."""
    lanes = lanes_of(panel)
    whole, done = (columns if columns >= lanes else 0), depth // lanes * lanes
    for first in range(0, whole, lanes):
        j = min(first, columns - lanes)  # the last block overlaps the one before
        for k in range(0, done, lanes):
            transpose(source, s0 + j * s_column + k, s_column, panel, p0 + k * p_row + j, p_row)
    for j in range(columns):
        for k in range(done if j < whole else 0, depth):
            panel[p0 + k * p_row + j] = source[s0 + j * s_column + k]
    for k in range(depth):
        for j in range(columns, width):
            panel[p0 + k * p_row + j] = 0

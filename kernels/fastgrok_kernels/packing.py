"""Copies of parts of a matrix into panels: K rows of NR neighbouring columns, padded with zeros, as the tile wants B.

All arrays are flat.
"""

from . import jit
from .simd import lanes_of
from .transpose import transpose
from .vector import load, splat, store


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
    # Whole blocks: the last ones overlap those before. Where columns are too few for one, zeros complete it.
    some, filled, done = min(columns, lanes), columns, 0
    if depth >= lanes and (columns >= lanes or (0 < columns and width >= lanes)):
        filled, done = max(columns, lanes), depth
        for first in range(0, columns, lanes):
            j = min(first, columns - some)
            for k in range(0, depth, lanes):
                k = min(k, depth - lanes)
                transpose(source, s0 + j * s_column + k, s_column, some, panel, p0 + k * p_row + j, p_row)
    for j in range(columns):
        for k in range(done, depth):
            panel[p0 + k * p_row + j] = source[s0 + j * s_column + k]
    zeros = splat(panel, panel.dtype.type(0))
    while filled + lanes <= width:
        for k in range(depth):
            store(panel, p0 + k * p_row + filled, zeros)
        filled += lanes
    for j in range(filled, width):
        for k in range(depth):
            panel[p0 + k * p_row + j] = 0

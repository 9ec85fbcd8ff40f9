"""All rows: importing this module fills the table."""

from parity import rows_data, rows_layers, rows_losses, rows_making, rows_math, rows_optim, rows_shapes, rows_utils  # noqa: F401
from parity.table import ROWS

__all__ = ["ROWS"]

"""All rows: importing this module fills the table."""

from parity import rows_tensor  # noqa: F401
from parity.table import ROWS

__all__ = ["ROWS"]

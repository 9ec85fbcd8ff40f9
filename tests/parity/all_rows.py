"""All rows: importing this module imports every `rows_*.py` beside it, and so fills the table."""

import importlib
from pathlib import Path

from parity.table import ROWS

__all__ = ["ROWS"]

for path in sorted(Path(__file__).parent.glob("rows_*.py")):
    importlib.import_module(f"parity.{path.stem}")

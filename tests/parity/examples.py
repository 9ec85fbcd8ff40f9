"""How many cases are compared: a few per row, or as many in all as the environment variable FASTGROK_PARITY demands."""

import math
import os

#: How many cases the whole suite has to compare; 0 for the quick run.
DEMANDED = int(os.environ.get("FASTGROK_PARITY", "0") or 0)
QUICK = 4


def per_row(rows: int) -> int:
    """Return how many examples to draw for each of so many rows.

    Some rows have fewer different examples than that, and some examples are thrown away, hence a few more for all.
    """
    return max(QUICK, math.ceil(1.3 * DEMANDED / rows))

"""The comparison is a package of the checkout, not of the installation."""

import sys

from gates.rules import ROOT

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

"""`python -m fastgrok` is the command `fastgrok`."""

import sys

from fastgrok.cli import main

sys.exit(main())

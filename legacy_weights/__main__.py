"""``python -m legacy_weights``: the same as the command ``migrate``."""

import sys

from legacy_weights.cli import main

sys.exit(main())

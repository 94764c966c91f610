"""The command `python -m gpproxy.benchmark`."""

import sys

from gpproxy.benchmark import main
from gpproxy.run.command import guarded

sys.exit(guarded(main, sys.argv[1:]))

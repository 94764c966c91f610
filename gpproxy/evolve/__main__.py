"""The command `python -m gpproxy.evolve`."""

import sys

from gpproxy.evolve import main
from gpproxy.run.command import guarded

sys.exit(guarded(main, sys.argv[1:]))

"""The command `python -m gpproxy.score`."""

import sys

from gpproxy.run.command import guarded
from gpproxy.score import main

sys.exit(guarded(main, sys.argv[1:]))

"""The command `python -m gpproxy.train`."""

import sys

from gpproxy.run.command import guarded
from gpproxy.train import main

sys.exit(guarded(main, sys.argv[1:]))

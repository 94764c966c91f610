"""The command `python -m gpproxy.search`."""

import sys

from gpproxy.run.command import guarded
from gpproxy.search import main

sys.exit(guarded(main, sys.argv[1:]))

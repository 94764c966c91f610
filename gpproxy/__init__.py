"""gpproxy discovers zero-cost proxies for generators: short formulas that rank untrained architectures."""

import sys as _sys

__version__ = "0.2.0"
#: What `gpproxy VERB` and `python -m gpproxy.VERB` can do.
VERBS = ("evolve", "score", "search", "train", "benchmark")

_started = (getattr(_sys, "argv", None) or [""])[0]
if _started == "-m" or _started.endswith(("/gpproxy", "\\gpproxy.exe")):
    # A command may be starting: from its first moment on Ctrl-C ends it with a message.
    from gpproxy.run.interrupt import install_early as _install_early

    _install_early(VERBS)

from pathlib import Path as _Path  # noqa: E402

# A bare checkout keeps two of the packages beside this one; an installed gpproxy holds them.
_checkout = _Path(__file__).resolve().parent.parent
if (_checkout / "primitives" / "primitive.py").is_file() and (_checkout / "search_spaces" / "space.py").is_file():
    __path__.append(str(_checkout))

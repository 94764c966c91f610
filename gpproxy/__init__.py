"""gpproxy discovers zero-cost proxies for generators: short formulas that rank untrained architectures."""

import sys as _sys
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from gpproxy.api.discover import discover as discover
    from gpproxy.api.generators import load_generator as load_generator
    from gpproxy.api.proxies import load_proxy as load_proxy
    from gpproxy.api.runs import load_run as load_run

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


#: What `import gpproxy` offers, with the module of each: loaded when it is asked for.
_OFFERED = {
    "discover": "gpproxy.api.discover",
    "load_run": "gpproxy.api.runs",
    "load_proxy": "gpproxy.api.proxies",
    "load_generator": "gpproxy.api.generators",
}


def __getattr__(name: str) -> _Any:
    if name not in _OFFERED:
        raise AttributeError(
            f"gpproxy has no '{name}'. It offers {', '.join(_OFFERED)} and the verbs {', '.join(VERBS)}."
        )
    from importlib import import_module

    return getattr(import_module(_OFFERED[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_OFFERED])

"""gpproxy discovers zero-cost proxies for generators: short formulas that rank untrained architectures."""

from pathlib import Path as _Path

__version__ = "0.2.0"

# A bare checkout keeps two of the packages beside this one; an installed gpproxy holds them.
_checkout = _Path(__file__).resolve().parent.parent
if (_checkout / "primitives" / "primitive.py").is_file() and (_checkout / "search_spaces" / "space.py").is_file():
    __path__.append(str(_checkout))

"""Where third-party data lies: in goes the name of a file or folder, out comes the path where it is, or belongs.

`GPPROXY_DATA` if set; else the user's own folder, `$XDG_DATA_HOME/gpproxy/data` or `~/.local/share/gpproxy/data`. What
0.1 has downloaded into the cache folder is still found there.
"""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """The folder that data belongs into, whether it is there or not."""
    if given := os.environ.get("GPPROXY_DATA"):
        return Path(given).expanduser()
    return _of_user("XDG_DATA_HOME", ".local/share")


def data_path(name: str) -> Path:
    """Where the file or folder `name` of third-party data lies; where it belongs when it lies nowhere."""
    return next((place / name for place in _places() if (place / name).exists()), data_folder() / name)


def how_to_put(name: str) -> str:
    """What to do about a missing file or folder, as the sentence at the end of an error."""
    return f"Put it there, or set GPPROXY_DATA to a folder that has {name}."


def _places() -> tuple[Path, ...]:
    return (data_folder(), _of_user("XDG_CACHE_HOME", ".cache"))


def _of_user(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / default).expanduser() / "gpproxy" / "data"

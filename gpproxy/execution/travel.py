"""Files of Python that the user has named, on their way to machines that lack them: their source travels, by name.

In: the plug-ins and proxy.py files that this process has loaded. Out: what a task carries, and on the other machine
the same files in a temporary folder, loaded once in each process.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from gpproxy import registry

#: Names and sources of plug-ins, and of other files by the path that they have on the machine of the user.
Sources = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]


def sources() -> Sources:
    """What this process has loaded, in order."""
    plugins = tuple((path.name, path.read_text(encoding="utf-8")) for path in registry.PLUGINS)
    files = tuple((path, Path(here).read_text(encoding="utf-8")) for path, here in registry.FILES.items())
    return plugins, files


def arrive(found: Sources) -> None:
    """Loads the plug-ins and has the files at hand, each once. Raises ConfigError for one that fails here."""
    plugins, files = found
    for name, text in plugins:
        registry.load_plugin(_written(name, text))
    for path, text in files:
        registry.FILES[path] = str(_written(Path(path).name, text))


@cache
def _written(name: str, text: str) -> Path:
    """A file in a folder of its own, which ends with this process."""
    place = Path(tempfile.mkdtemp(prefix="gpproxy-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    (place / name).write_text(text, encoding="utf-8")
    return place / name

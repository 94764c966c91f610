"""Names to things: one class behind the primitives, statistics, search spaces, proxies and benchmarks.

A duplicate name is an error, an unknown one gets the nearest match. Other packages add to a registry through entry
points; a user adds a file with `--plugins FILE`.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Generic, TypeVar

from gpproxy.errors import ConfigError, RegistryError, did_you_mean

T = TypeVar("T")

#: An import of the packages that had names of their own in 0.1.
_OLD_IMPORT = re.compile(r"^\s*(?:from|import)\s+(search_spaces|primitives)\b", re.MULTILINE)

#: Plugin files imported so far, for processes that have to import them too.
PLUGINS: list[Path] = []

#: Other files of Python that the user named, such as a proxy.py: by the path that was given, where they lie here. They
#: are the same path but on other machines, to which their source travels.
FILES: dict[str, str] = {}


class Registry(Generic[T]):
    """An ordered mapping from names to items of one kind.

    Args:
        noun: what an item is called in messages (`"primitive"`).
        group: entry-point group whose modules are imported at the first look-up, or None.

    >>> colours = Registry("colour")
    >>> colours.add("red", "#f00")
    '#f00'
    >>> "red" in colours, len(colours)
    (True, 1)
    """

    def __init__(self, noun: str, group: str | None = None):
        self.noun = noun
        self._group = group
        self._items: dict[str, T] = {}

    def add(self, name: str, item: T) -> T:
        """Registers `item`; raises RegistryError when the name is taken."""
        if name in self._items:
            raise RegistryError(f"The {self.noun} name '{name}' is taken. Choose another name.")
        self._items[name] = item
        return item

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator form of `add`."""
        return lambda item: self.add(name, item)

    def __getitem__(self, name: str) -> T:
        self._load()
        if name not in self._items:
            hint = did_you_mean(name, self._items)
            raise RegistryError(
                f"There is no {self.noun} '{name}'.{hint} Known: {', '.join(self._items)}. What a file of your own "
                "registers is found, in every process, with --plugins FILE (in Python: plugins=)."
            )
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(list(self._items))

    def __len__(self) -> int:
        self._load()
        return len(self._items)

    def values(self) -> list[T]:
        self._load()
        return list(self._items.values())

    def items(self) -> list[tuple[str, T]]:
        self._load()
        return list(self._items.items())

    def registered(self) -> dict[str, T]:
        """What is registered so far, by name, without asking other packages (which may need this one first)."""
        return dict(self._items)

    def _load(self) -> None:
        group, self._group = self._group, None
        if group:
            for point in entry_points(group=group):
                point.load()


def load_plugin(path: str | Path) -> None:
    """Imports a user's Python file so that its decorators register what it defines.

    Raises ConfigError when the file is missing or fails to import.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ConfigError(f"--plugins expects a Python file, but {path} is not there.")
    name = f"gpproxy_plugin_{path.stem}"
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) == str(path.resolve()):
        return
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ConfigError(f"--plugins expects a Python file, but {path} does not end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        PLUGINS.append(path.resolve())
    except Exception as error:
        del sys.modules[name]
        what = f"{type(error).__name__}: {error}"
        if old := _OLD_IMPORT.search(path.read_text(encoding="utf-8", errors="replace")):
            told = f"The plugin {path} imports {old[1]}, which is gpproxy.{old[1]} since 0.2. It ended with {what}"
            raise ConfigError(told) from error
        raise ConfigError(f"The plugin {path} failed to import: {what}") from error

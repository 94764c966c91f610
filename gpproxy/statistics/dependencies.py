"""Which files of its own package a module is made of: in goes a module, out come the paths of all that it imports.

Read off the import statements, wherever they stand, so that constants and imports inside functions count, too.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path


def dependencies(module: str) -> list[Path]:
    """The file of an imported module and those of its package that it imports, directly or through others.

    Sorted by module name. What comes from other packages, and what is imported under a name made at run time, is left
    out.
    """
    package = _package(module)
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = None if name in found else _file(name)
        if path is not None:
            found[name] = path
            waiting += _imports(name, path, package)
    return [found[name] for name in sorted(found)]


def _package(module: str) -> str:
    """The package whose files count: of gpproxy the one below it, since what all of it shares decides no number."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "gpproxy" else parts[0]


def _imports(module: str, path: Path, package: str) -> Iterator[str]:
    """Names of the package's modules that the import statements of a file may mean; some are no modules."""
    here = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _package(alias.name) == package)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = ".".join(here.split(".")[: len(here.split(".")) - node.level + 1])
                base = ".".join(part for part in (above, base) if part)
            if _package(base) != package:
                continue
            inner = [f"{base}.{alias.name}" for alias in node.names]
            yield from inner
            if not all(map(_file, inner)):  # some name is defined by the module or package itself
                yield base


def _file(name: str) -> Path | None:
    """The Python file of a module, None when there is no such module or it is not made of source."""
    loaded = sys.modules.get(name)
    origin = getattr(loaded, "__file__", None)
    if loaded is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return None
        origin = spec.origin if spec is not None else None
    return Path(origin) if origin and origin.endswith(".py") else None

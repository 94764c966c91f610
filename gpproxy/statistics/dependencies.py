"""Which code a module is made of: in goes a module, out come the paths of all that it imports, and hashes of code.

Read off the import statements, wherever they stand, so that constants and imports inside functions count, too. Counted
are the module's own package and the rooms of gpproxy whose code decides numbers.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

#: What decides the numbers that are collected; the rest of gpproxy, such as errors and registries, does not.
ROOMS = ("gpproxy.primitives", "gpproxy.recording", "gpproxy.search_spaces", "gpproxy.seeds", "gpproxy.statistics")


def dependencies(module: str) -> list[Path]:
    """The file of an imported module and those that it imports, directly or through others, as far as they count.

    Sorted by module name. What comes from other packages, and what is imported under a name made at run time, is left
    out. A package that only passes a name on is left out, too: the name leads to the module that defines it.
    """
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = None if name in found else _file(name)
        if path is not None:
            found[name] = path
            waiting += (other for other in _imports(name, path) if _counts(other, module))
    return [found[name] for name in sorted(found)]


def code_digest(path: Path) -> str:
    """Hash of what the code of a file does: comments, docstrings, layout and imports of gpproxy make no difference."""
    return _digest(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1024)
def _digest(path: Path, changed: int) -> str:
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _prose(part) and not _own_import(part)]  # type: ignore[attr-defined]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


def _prose(node: ast.stmt) -> bool:
    """Whether a statement is a string alone, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _own_import(node: ast.stmt) -> bool:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return any(name.split(".")[0] in ("gpproxy", "__future__") for name in names)


def _counts(name: str, root: str) -> bool:
    """Whether a module belongs to the package of `root`, or to a room that decides numbers."""
    if name.split(".")[0] == "gpproxy":
        return ".".join(name.split(".")[:2]) in ROOMS
    return name.split(".")[0] == root.split(".")[0]


def _imports(module: str, path: Path) -> tuple[str, ...]:
    """Names of the modules that the import statements of a file may mean; some are no modules."""
    return _imported(module, path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1024)
def _imported(module: str, path: Path, changed: int) -> tuple[str, ...]:
    return tuple(_meant(module, path))


def _meant(module: str, path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, module, path)
            yield from (_home(base, alias.name) for alias in node.names)


def _base(node: ast.ImportFrom, module: str, path: Path) -> str:
    """The module that names are imported from, also where it is given relative to the file."""
    if not node.level:
        return node.module or ""
    here = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    above = here[: len(here) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _home(base: str, name: str) -> str:
    """The module of `from base import name`: the name itself, where it is a module, or the one that defines it."""
    inner = f"{base}.{name}"
    if base.split(".")[0] in sys.stdlib_module_names or _file(inner) is not None:
        return inner
    path = _file(base)
    if path is not None and path.name == "__init__.py":
        for node in _tree(path).body:
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return _home(_base(node, base, path), alias.name)
    return base


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


def _tree(path: Path) -> ast.Module:
    return _parsed(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _parsed(path: Path, changed: int) -> ast.Module:
    return ast.parse(path.read_bytes())

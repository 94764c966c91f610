"""Where a name of a Python module comes from, by its source: an import from outside, or a definition of our own.

In: functions of this project or of a plugin. Out: the syntax trees of what they use. Modules of Python itself and
of torch count as outside; everything else can be copied into a file that stands alone.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from gpproxy.errors import ExpressionError

#: Packages that an exported file may import.
OUTSIDE = ("torch", *sys.stdlib_module_names)


@dataclass(frozen=True)
class Import:
    """`from module import name as alias`, or `import module as alias` without a name."""

    module: str
    name: str
    alias: str

    @property
    def part(self) -> str:
        """The name with its alias."""
        shown = self.name or self.module
        return shown if shown == self.alias else f"{shown} as {self.alias}"


@dataclass(frozen=True)
class Site:
    """A definition at the top level of a module."""

    module: str
    name: str


@dataclass(frozen=True)
class Whole:
    """A module of our own, used by its attributes."""

    module: str


@dataclass(frozen=True)
class Source:
    """A module's text and what it binds at its top level."""

    lines: tuple[bytes, ...]
    bindings: dict[str, ast.stmt]
    tree: ast.Module


@cache
def source_of(module: str) -> Source:
    """The source of an imported module. Raises ExpressionError when there is none."""
    try:
        text = inspect.getsource(sys.modules[module])
    except (OSError, TypeError, KeyError) as error:
        raise ExpressionError(
            f"The source of the module {module} is needed for an export, but cannot be read."
        ) from error
    tree = ast.parse(text)
    bindings: dict[str, ast.stmt] = {}
    for statement in tree.body:
        for name in _bound_by(statement):
            bindings[name] = statement
    return Source(tuple(line.encode() for line in text.splitlines()), bindings, tree)


def resolve(module: str, name: str) -> Import | Site | Whole | None:
    """What a name means at the top level of a module; None when the module does not bind it (a builtin)."""
    statement = source_of(module).bindings.get(name)
    if statement is None:
        return None
    if isinstance(statement, ast.Import):
        found = next(a for a in statement.names if (a.asname or a.name.split(".")[0]) == name)
        if _is_outside(found.name):
            return Import(found.name, "", found.asname or found.name)
        return Whole(found.name)
    if isinstance(statement, ast.ImportFrom):
        original = next(a.name for a in statement.names if (a.asname or a.name) == name)
        origin = statement.module or ""
        if statement.level:
            package = getattr(sys.modules[module], "__package__", None) or module
            origin = importlib.util.resolve_name("." * statement.level + origin, package)
        if _is_outside(origin):
            return Import(origin, original, name)
        if f"{origin}.{original}" in sys.modules:
            return Whole(f"{origin}.{original}")
        return resolve(origin, original)
    return Site(module, name)


def site_of(function: Callable[..., Any]) -> Site | None:
    """The top-level definition of a function; None for a lambda or a function made inside another."""
    if not isinstance(function, types.FunctionType):
        return None
    name, module = function.__qualname__, function.__module__
    if "<" in name or "." in name:
        return None
    return Site(module, name) if name in source_of(module).bindings else None


def inner_node(function: types.FunctionType) -> ast.FunctionDef | ast.Lambda:
    """The syntax tree of a function that was made inside another, or of a lambda."""
    code = function.__code__
    found: list[ast.FunctionDef | ast.Lambda] = []
    for node in ast.walk(source_of(function.__module__).tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            if code.co_firstlineno in (node.lineno, *(d.lineno for d in node.decorator_list[:1])):
                found.append(node)
        elif isinstance(node, ast.Lambda) and code.co_name == "<lambda>" and node.lineno == code.co_firstlineno:
            made = compile(ast.Expression(node), "<lambda>", "eval").co_consts[0]
            if isinstance(made, types.CodeType) and _same(made, code):
                found.append(node)
    if len(found) != 1:
        place = f"{function.__module__}, line {code.co_firstlineno}"
        raise ExpressionError(
            f"The source of {function.__name__} ({place}) cannot be told apart: make it a plain function."
        )
    return found[0]


def bound_in(node: ast.AST, parts: Iterable[ast.AST]) -> set[str]:
    """Every name that a function, lambda or statement binds inside itself, among its parts."""
    names: set[str] = set()
    for part in parts:
        if isinstance(part, ast.arg):
            names.add(part.arg)
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
        elif isinstance(part, (ast.FunctionDef, ast.ClassDef)) and part is not node:
            names.add(part.name)
        elif isinstance(part, ast.ExceptHandler) and part.name:
            names.add(part.name)
        elif isinstance(part, (ast.Import, ast.ImportFrom)):
            names.update(a.asname or a.name.split(".")[0] for a in part.names)
    return names


def root_of(decorator: ast.expr) -> str:
    """The leftmost name of a decorator."""
    node: ast.AST = decorator
    while not isinstance(node, ast.Name):
        node = node.func if isinstance(node, ast.Call) else node.value  # type: ignore[attr-defined]
    return node.id


def is_literal(value: Any) -> bool:
    """Whether a value can be written as it is."""
    if isinstance(value, (tuple, list)):
        return all(map(is_literal, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _same(made: types.CodeType, code: types.CodeType) -> bool:
    """Whether two pieces of code take and use the same names and constants."""
    names = {*made.co_names, *made.co_varnames, *made.co_freevars}
    constants = {repr(c) for c in (*made.co_consts, None)}
    return names == {*code.co_names, *code.co_varnames, *code.co_freevars} and constants == {
        repr(c) for c in (*code.co_consts, None)
    }


def _bound_by(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [a.asname or a.name.split(".")[0] for a in statement.names]
    if isinstance(statement, ast.Assign):
        return [t.id for target in statement.targets for t in ast.walk(target) if isinstance(t, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return []


def _is_outside(module: str) -> bool:
    return module.split(".")[0] in OUTSIDE

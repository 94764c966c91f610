"""Functions in, the text of one Python file out that holds them and all that they use, and imports torch only.

The text is that of the real sources. Left out are registration decorators, and methods and branches that nothing
reaches. Functions made inside others get their captured values written in; names that collide are changed.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import types
from collections.abc import Callable, Iterable
from typing import Any

from gpproxy.errors import ExpressionError
from gpproxy.export.definition import Definition, Key, keeps, text_of
from gpproxy.export.fold_backward import Cuts, fold_backward
from gpproxy.export.sources import (
    Import,
    Site,
    Whole,
    bound_in,
    inner_node,
    is_literal,
    resolve,
    site_of,
    source_of,
)


class Bundle:
    """Collects definitions; `render` writes them.

    Args:
        backward: decides the tests on `backward` in the copied functions.
        reserved: names that the file uses itself.
    """

    def __init__(self, backward: bool, reserved: Iterable[str] = ()):
        self._backward = backward
        self._reserved = set(reserved) | set(dir(builtins)) | set(keyword.kwlist)
        self.definitions: dict[Key, Definition] = {}
        self.imports: dict[str, Import] = {}
        #: names of attributes in use; torch itself calls `forward`
        self._attributes: set[str] = {"forward"}
        self._kept: list[types.FunctionType] = []  # keeps the ids in keys unique
        self._firsts: list[Key] = []
        self._names: dict[Key, str] = {}

    def add(self, function: Callable[..., Any], wanted: str = "") -> Key:
        """Takes in a function or class with all that it uses; `wanted` is the name that it should get."""
        key = self._key_of(function, wanted)
        if wanted:
            self.definitions[key].wanted = wanted
            self._firsts.append(key)
        return key

    def name(self, key: Key) -> str:
        """The name of a definition in the file, after `settle`."""
        return self._names[key]

    def settle(self) -> None:
        """Reaches the methods that are in use and gives every definition its name."""
        while reached := [
            (d, name) for d in list(self.definitions.values()) for name in d.pending if name in self._attributes
        ]:
            for definition, name in reached:
                self._walk(definition, definition.pending.pop(name))
        for definition in self.definitions.values():
            for method in definition.pending.values():
                definition.cuts.delete(method)
        order = [*dict.fromkeys(self._firsts), *(k for k in self.definitions if k not in self._firsts)]
        taken = self._reserved | set(self.imports)
        for key in order:
            definition = self.definitions[key]
            users = [d for d in self.definitions.values() if any(k == key for _, k in d.references)]
            hidden = set().union(*(d.bound for d in users)) - {getattr(definition.node, "name", "")}
            module = definition.module.rpartition(".")[2]
            plain = definition.wanted.lstrip("_")
            options = [definition.wanted, f"{plain}_", f"{module}_{plain}", *(f"{plain}_{n}" for n in range(2, 99))]
            if definition.wanted not in dir(builtins):
                options.remove(f"{plain}_")
            self._names[key] = next(o for o in options if o not in taken and o not in hidden)
            taken.add(self._names[key])

    def render(self, roots: Iterable[Key], done: set[Key]) -> list[str]:
        """The texts of the roots and what they use, used before user, less those in `done`, to which they are added."""
        texts: list[str] = []

        def visit(key: Key) -> None:
            if key in done:
                return
            done.add(key)
            for _, target in self.definitions[key].references:
                if not isinstance(target, str):
                    visit(target)
            texts.append(text_of(self.definitions[key], self._names))

        for root in roots:
            visit(root)
        return texts

    def import_lines(self) -> list[str]:
        """The import statements: Python's own, an empty line, torch's."""
        groups: dict[str, list[str]] = {}
        plain = []
        for found in self.imports.values():
            if found.name:
                groups.setdefault(found.module, []).append(found.part)
            else:
                plain.append((found.module, f"import {found.part}"))
        lines = plain + [(m, f"from {m} import {', '.join(sorted(set(p)))}") for m, p in groups.items()]
        lines.sort(key=lambda x: (x[1].startswith("from"), x))
        own = [line for module, line in lines if module.split(".")[0] != "torch"]
        torch = [line for module, line in lines if module.split(".")[0] == "torch"]
        return [*own, *([""] if own and torch else []), *torch]

    # --- discovery

    def _key_of(self, function: Callable[..., Any], wanted: str) -> Key:
        site = site_of(function)
        if site is not None:
            return self._add_site(site)
        if not isinstance(function, types.FunctionType):
            if isinstance(function, type):
                return self._add_site(Site(function.__module__, function.__qualname__))
            raise ExpressionError(f"{function!r} cannot be exported: it must be a plain function.")
        key = id(function)
        if key not in self.definitions:
            self._kept.append(function)
            names = function.__code__.co_freevars
            cells = dict(zip(names, (c.cell_contents for c in function.__closure__ or ())))
            name = wanted or function.__name__
            definition = Definition(key, function.__module__, inner_node(function), name, function.__doc__ or "", cells)
            self.definitions[key] = definition
            self._start(definition)
        return key

    def _add_site(self, site: Site) -> Site:
        if site not in self.definitions:
            node = source_of(site.module).bindings[site.name]
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)):
                raise ExpressionError(f"{site.name} of {site.module} cannot be exported: it is no plain definition.")
            self.definitions[site] = Definition(site, site.module, node, site.name)
            self._start(self.definitions[site])
        return site

    def _start(self, definition: Definition) -> None:
        node = definition.node
        fold_backward(node, self._backward, definition.cuts)
        for decorator in getattr(node, "decorator_list", []):
            if not keeps(definition, decorator):
                definition.cuts.gone.add(decorator)
        if not isinstance(node, ast.ClassDef):
            self._walk(definition, node)
            return
        for part in [*node.bases, *node.decorator_list]:
            self._walk(definition, part)  # those of our own decorators are gone
        for member in node.body:
            if isinstance(member, ast.FunctionDef) and not member.name.startswith("__"):
                definition.pending[member.name] = member
            else:
                self._walk(definition, member)

    def _walk(self, definition: Definition, node: ast.AST) -> None:
        parts = list(_parts(node, definition.cuts))
        bound = bound_in(node, parts) | _class_names(definition.node)
        definition.bound |= bound
        for part in parts:
            if isinstance(part, (ast.Import, ast.ImportFrom)):
                raise ExpressionError(f"{definition.wanted} imports inside itself and cannot be exported.")
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                self._attributes.add(part.value)  # getattr(look, "noise")
            if isinstance(part, ast.Attribute):
                self._attributes.add(part.attr)
                if isinstance(part.value, ast.Name) and part.value.id not in bound:
                    whole = resolve(definition.module, part.value.id)
                    if isinstance(whole, Whole):
                        self._refer(definition, part, resolve(whole.module, part.attr), f"{part.value.id}.{part.attr}")
            if not isinstance(part, ast.Name) or part.id in bound:
                continue
            if part.id in definition.cells:
                self._refer_cell(definition, part)
            else:
                self._refer(definition, part, resolve(definition.module, part.id), part.id)

    def _refer(self, definition: Definition, part: ast.AST, target: Import | Site | Whole | None, name: str) -> None:
        if isinstance(target, Import):
            if self.imports.setdefault(target.alias, target) != target:
                raise ExpressionError(
                    f"'{target.alias}' means two imports in one export; rename it in {definition.module}."
                )
            if "." in name:
                definition.references.append((part, target.alias))
        elif isinstance(target, Site):
            if target != definition.key:
                self._add_site(target)
            definition.references.append((part, target))
        elif target is None and not hasattr(builtins, name):
            raise ExpressionError(f"{definition.wanted} ({definition.module}) uses '{name}', which cannot be found.")

    def _refer_cell(self, definition: Definition, part: ast.Name) -> None:
        value = definition.cells[part.id]
        if isinstance(value, types.FunctionType):
            inner = value.__name__ == "<lambda>"
            definition.references.append((part, self._key_of(value, f"{definition.wanted}_{part.id}" if inner else "")))
        elif is_literal(value):
            definition.references.append((part, repr(value)))
        else:
            raise ExpressionError(
                f"{definition.wanted} holds on to '{part.id}', a {type(value).__name__}: make it a number."
            )


def _class_names(node: ast.AST) -> set[str]:
    """Names that a class gives to values in its body; defaults of its methods may use them."""
    body = node.body if isinstance(node, ast.ClassDef) else []
    targets = [target for part in body if isinstance(part, ast.Assign) for target in part.targets]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _parts(node: ast.AST, cuts: Cuts) -> Iterable[ast.AST]:
    """The node and everything below it that is not cut."""
    if node in cuts.gone:
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _parts(child, cuts)

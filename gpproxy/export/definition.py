"""One definition of an exported file: where it stands in its source, what it uses, and its text under new names.

In: a definition and the names in the file. Out: its source with the names changed, project decorators, dead
branches and linter marks left out, and for a function made inside another the captured values written in.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gpproxy.errors import ExpressionError
from gpproxy.export.fold_backward import Cuts
from gpproxy.export.sources import Import, Site, resolve, root_of, source_of

Key = Site | int
_MARKS = re.compile(rb"\s+# (noqa|type: ignore|fmt: )[^\n]*$")


@dataclass
class Definition:
    """One thing of the file.

    Attributes:
        references: syntax nodes and what stands in their place: the key of another definition, or a text.
        bound: names that it uses for itself.
        pending: methods of a class that nothing has reached yet, by name.
        method: whether the first argument, its object, is dropped.
    """

    key: Key
    module: str
    node: ast.AST
    wanted: str
    doc: str = ""
    cells: dict[str, Any] = field(default_factory=dict)
    references: list[tuple[ast.AST, Key | str]] = field(default_factory=list)
    bound: set[str] = field(default_factory=set)
    pending: dict[str, ast.FunctionDef] = field(default_factory=dict)
    cuts: Cuts = field(default_factory=Cuts)
    method: bool = False


def keeps(definition: Definition, decorator: ast.expr) -> bool:
    """Whether a decorator is none of our own."""
    name = root_of(decorator)
    return hasattr(builtins, name) or isinstance(resolve(definition.module, name), Import)


def text_of(definition: Definition, names: Mapping[Key, str]) -> str:
    """The text of a definition, with the names that it and others got."""
    node, cuts = definition.node, definition.cuts
    lines = list(source_of(definition.module).lines)
    edits = [(part, names[to] if not isinstance(to, str) else to) for part, to in definition.references]
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        edits.append((target, names[definition.key]))
    for part, text in sorted(edits, key=lambda e: (e[0].lineno, e[0].col_offset), reverse=True):  # type: ignore[attr-defined]
        at, start, end = part.lineno - 1, part.col_offset, part.end_col_offset  # type: ignore[attr-defined]
        lines[at] = lines[at][:start] + text.encode() + lines[at][end:]
    name = names[definition.key]
    if isinstance(node, ast.Lambda):
        return _lambda(node, lines, name, definition)
    first, last = node.lineno, node.end_lineno or node.lineno  # type: ignore[attr-defined]
    lines[first - 1] = re.sub(rb"\b(def|class) \w+", rb"\1 " + name.encode(), lines[first - 1], count=1)
    if definition.method:
        lines[first - 1] = re.sub(rb"\(\s*\w+,\s*", b"(", lines[first - 1], count=1)
    head = [d.lineno for d in getattr(node, "decorator_list", []) if keeps(definition, d)]
    start = first
    while lines[start - 2].startswith(b"#") and isinstance(node, (ast.Assign, ast.AnnAssign)):
        start -= 1
    wanted = [*head, *range(start, last + 1)]
    indent = node.col_offset  # type: ignore[attr-defined]
    kept = []
    for number in wanted:
        if number in cuts.deleted:
            continue
        if definition.doc and isinstance(node, ast.FunctionDef) and number == node.body[0].lineno:
            if ast.get_docstring(node) is None:
                kept.append(f'    """{definition.doc.strip()}"""'.encode())
        line = _MARKS.sub(b"", lines[number - 1])
        cut = indent + cuts.dedented.get(number, 0)
        kept.append(line[cut:] if not line[:cut].strip() else line)
    return re.sub(r"\n{3,}", "\n\n", b"\n".join(kept).decode()).rstrip()


def _lambda(node: ast.Lambda, lines: list[bytes], name: str, definition: Definition) -> str:
    body = node.body
    if body.lineno != body.end_lineno:
        raise ExpressionError(f"A lambda of {definition.module} runs over several lines: make it a plain function.")
    # Edits to the left of the body may have moved it: find its end from the right.
    original = source_of(definition.module).lines[body.lineno - 1]
    line = lines[body.lineno - 1]
    left = [p for p, _ in definition.references if p.col_offset < body.col_offset]  # type: ignore[attr-defined]
    if left:
        raise ExpressionError(f"A lambda of {definition.module} has a default: make it a plain function.")
    text = line[body.col_offset : len(line) - (len(original) - (body.end_col_offset or 0))].decode()
    return f"def {name}({ast.unparse(node.args)}):\n    return {text}"

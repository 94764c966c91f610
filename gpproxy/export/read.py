"""What an exported `proxy.py` says about itself: a path in, its constants out. The file is read, never run."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deap import gp

from gpproxy.errors import ExpressionError
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.statistic import STATISTICS


@dataclass(frozen=True)
class ProxyFile:
    """The constants of an exported proxy.

    Attributes:
        formula, rank_form, latex: as exported; empty for a committee.
        members: of a committee, each formula with its scores on what it has learnt from.
        space, seed: what seeds the random probes.
        samples: batch size that the formula was evolved with.
        inits: initialisations that its scores were averaged over when it was tested.
        sizes: what cut statistics keep.
        provenance: benchmark, correlations, versions, ...
    """

    formula: str = ""
    members: tuple[tuple[str, tuple[float, ...]], ...] = ()
    rank_form: str = ""
    latex: str = ""
    space: str = ""
    seed: int = 0
    samples: int = Collection.samples
    inits: int = 1
    sizes: Sizes = field(default_factory=Sizes)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def tree(self, grammar: Grammar | None = None) -> gp.PrimitiveTree:
        """The formula over a grammar, by default that of all registered statistics, to be evaluated by the engine."""
        grammar = grammar or Grammar({s.name: s.type for s in STATISTICS.values()})
        return parse(self.formula, grammar)


def load_proxy(path: str | Path) -> ProxyFile:
    """Reads an exported proxy without running it.

    Raises ExpressionError when the file is missing or holds no FORMULA.
    """
    path = Path(path)
    try:
        module = ast.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ExpressionError(
            f"A proxy file is expected at {path}, but it cannot be read: {error.strerror}."
        ) from error
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:  # the last two where it nests too deeply
        raise ExpressionError(f"{path} is not a Python file that gpproxy exported: {error}.") from error
    found: dict[str, Any] = {}
    for statement in module.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
            name = _RENAMED.get(target.id, target.id) if isinstance(target, ast.Name) else ""
            if name in _KINDS and name not in found:
                found[name] = _literal(name, value, path)
    if "MEMBERS" in found:
        found["MEMBERS"] = _members(found["MEMBERS"], path)
    elif "FORMULA" not in found:
        raise ExpressionError(f"{path} holds no line FORMULA = '...'. Is it a proxy.py that gpproxy exported?")
    return ProxyFile(**{name.lower(): value for name, value in found.items()})


#: The constants that are read, with the type that each must have.
_KINDS = {
    "FORMULA": str, "MEMBERS": list, "RANK_FORM": str, "LATEX": str, "SPACE": str, "SEED": int, "SAMPLES": int,
    "INITS": int, "SIZES": Sizes, "PROVENANCE": dict,
}  # fmt: skip
#: What constants were called by version 0.1.
_RENAMED = {"LOOKS": "INITS"}


def _members(told: list[Any], path: Path) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """The members of a committee. Raises ExpressionError for anything but pairs of a text and numbers."""
    try:
        found = tuple((text, tuple(float(x) for x in reference)) for text, reference in told)
    except (TypeError, ValueError) as error:
        raise ExpressionError(f"{path}: MEMBERS must be pairs of a formula and its scores: {error}.") from error
    if not found or not all(isinstance(text, str) and reference for text, reference in found):
        raise ExpressionError(f"{path}: MEMBERS must be pairs of a formula and its scores.")
    return found


def _literal(name: str, value: ast.expr, path: Path) -> Any:
    try:
        if name == "SIZES" and isinstance(value, ast.Call):
            made: Any = Sizes(**{str(k.arg): ast.literal_eval(k.value) for k in value.keywords})
        else:
            made = ast.literal_eval(value)
    except (ValueError, TypeError) as error:
        raise ExpressionError(f"{path}, line {value.lineno}: {name} must be a literal.") from error
    if not isinstance(made, _KINDS[name]):
        raise ExpressionError(f"{path}, line {value.lineno}: {name} must be a {_KINDS[name].__name__}, not {made!r}.")
    return made

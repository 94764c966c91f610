"""How a primitive is registered.

A primitive is a pure function on tensors with one leading batch axis (layers, or architectures for network types).
It may have several typed signatures under one name; the types of the operands choose. Registering one runs it on probe
tensors and refuses with the reason when it changes an input, draws random numbers, changes dtype, breaks the shape its
output type promises, is not finite (`gpproxy.primitives.check`), or declares what it does not keep
(`gpproxy.primitives.declared`).

What others know of a primitive is declared here and nowhere else, so one of your own is simplified, explained and
printed as ours are:

>>> from gpproxy.primitives.types import LayerScalar, Scalar
>>> @primitive("transform", same(LayerScalar, Scalar), source="me, 2026", parity="absolute", range="nonnegative",
...            phrase="the cube of the size of {0}", latex=r"\\left|{0}\\right|^{{3}}")
... def cube_of_size(x):
...     "|x|^3, saturating at 1e30."
...     return x.abs().clamp(max=1e10) ** 3
>>> PRIMITIVES["cube_of_size"].parity
'absolute'
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from gpproxy.errors import PrimitiveError, did_you_mean
from gpproxy.primitives.check import check
from gpproxy.primitives.declaration import Group, Primitive, Signature
from gpproxy.primitives.declared import check_declared
from gpproxy.primitives.notation import SIGNS, Notation
from gpproxy.registry import Registry

#: What can be declared by name.
KEYS = {field.name for field in fields(Primitive)} - {"name", "group", "function", "signatures", "source", "summary"}

PRIMITIVES: Registry[Primitive] = Registry("primitive", "gpproxy.primitives")


def same(*types: type) -> list[Signature]:
    """Signatures of a shape-keeping operation: `T -> T` for each type."""
    return [Signature((t,), t) for t in types]


def pairs(*types: type) -> list[Signature]:
    """Signatures of a two-operand operation: `T, T -> T` for each type."""
    return [Signature((t, t), t) for t in types]


def maps(*steps: tuple[Any, type]) -> list[Signature]:
    """Signatures from (operand type or tuple of them, result type) pairs."""
    return [Signature(i if isinstance(i, tuple) else (i,), o) for i, o in steps]


def primitive(
    group: Group,
    signatures: list[Signature],
    *,
    source: str,
    name: str | None = None,
    plain: str | Notation | None = None,
    latex: str | Notation | None = None,
    **declared: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers the decorated function as a primitive after checking it on probe tensors.

    Args:
        plain: how it is written in a line; a bare string puts no brackets around operands and needs none around itself.
        latex: the same in LaTeX.
        **declared: the other attributes of `Primitive`.

    Raises PrimitiveError with the reason when a promise is broken, RegistryError when the name is taken.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        summary = (inspect.getdoc(function) or "").split("\n")[0]
        arity = len(signatures[0].inputs) if signatures else 0
        unknown = sorted(set(declared) - KEYS)
        if unknown:
            hint = did_you_mean(unknown[0], KEYS)
            raise PrimitiveError(
                f"The primitive '{function.__name__}' is refused: nothing is called '{unknown[0]}'.{hint}"
            )
        usual = SIGNS.get((declared.get("symbol") or "", arity), (None, None))
        forms = [Notation(form) if isinstance(form, str) else form for form in (plain, latex)]
        made = Primitive(
            name or function.__name__,
            group,
            function,
            tuple(signatures),
            source,
            plain=forms[0] or usual[0],
            latex=forms[1] or usual[1],
            summary=summary,
            **declared,
        )
        check(made)
        check_declared(made, PRIMITIVES.registered())
        PRIMITIVES.add(made.name, made)
        return function

    return decorate

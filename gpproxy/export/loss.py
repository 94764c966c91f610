"""The loss of a search space as a function of its own, for an exported proxy."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable
from typing import Any

from gpproxy.errors import ExpressionError
from gpproxy.export.bundle import Bundle, Key
from gpproxy.export.fixtures import fixture_inputs
from gpproxy.export.sources import inner_node, is_literal
from gpproxy.search_spaces.batch import Batch, NoTargets


def needs_targets(loss: Callable[..., Any]) -> bool:
    """Whether a loss compares outputs with targets, which a file is not given with its inputs."""
    inputs = fixture_inputs()
    try:
        loss(inputs, Batch(inputs))
    except NoTargets:
        return True
    except Exception:  # it does not fit these inputs, for another reason
        return False
    return False


def add_loss(bundle: Bundle, loss: Callable[..., Any]) -> Key:
    """Takes a loss into the bundle: a function, or a method; the settings of its object are written in.

    Raises ExpressionError for anything else.
    """
    if not inspect.ismethod(loss):
        return bundle.add(loss)
    function = loss.__func__
    assert isinstance(function, types.FunctionType)
    key = bundle.add(function)
    definition = bundle.definitions[key]
    own = inner_node(function).args.args[0].arg
    uses = [part for part in ast.walk(definition.node) if isinstance(part, ast.Name) and part.id == own]
    chains = [(part, _names(part, own)) for part in ast.walk(definition.node) if isinstance(part, ast.Attribute)]
    values = [(part, _value(loss.__self__, names)) for part, names in chains if names]
    settings = [(part, value) for part, value in values if is_literal(value)]
    if len(settings) < len(uses):
        raise ExpressionError(
            f"The loss {loss.__qualname__} uses more of its object than settings that are numbers or texts, and so "
            "cannot be copied: pass a function."
        )
    definition.references += [(part, repr(value)) for part, value in settings]
    definition.method = True
    return key


def _names(part: ast.expr, own: str) -> tuple[str, ...]:
    """The attributes in `own.settings.width`, in order; () for what does not begin with `own`."""
    names: list[str] = []
    while isinstance(part, ast.Attribute):
        names.insert(0, part.attr)
        part = part.value
    return tuple(names) if isinstance(part, ast.Name) and part.id == own else ()


def _value(thing: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        thing = getattr(thing, name, ...)
    return thing

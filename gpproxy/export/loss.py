"""The loss of a search space as a function of its own, for an exported proxy."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable
from typing import Any

from gpproxy.errors import ExpressionError
from gpproxy.export.bundle import Bundle, Key
from gpproxy.export.sources import inner_node, is_literal


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
    settings = [
        part
        for part in ast.walk(definition.node)
        if isinstance(part, ast.Attribute) and part.value in uses and is_literal(getattr(loss.__self__, part.attr, ...))
    ]
    if len(settings) < len(uses):
        raise ExpressionError(
            f"The loss {loss.__qualname__} uses more of its object than settings that are numbers or texts, and so "
            "cannot be copied: pass a function."
        )
    definition.references += [(part, repr(getattr(loss.__self__, part.attr))) for part in settings]
    definition.method = True
    return key

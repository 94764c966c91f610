"""The loss of a search space as a function of its own, for an exported proxy."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable
from typing import Any

from gpproxy.errors import ExpressionError
from gpproxy.expressions.bundle import Bundle, Key
from gpproxy.expressions.sources import inner_node


def add_loss(bundle: Bundle, loss: Callable[..., Any]) -> Key:
    """Takes a loss into the bundle: a function, or a method that does not touch its object.

    Raises ExpressionError for anything else.
    """
    if not inspect.ismethod(loss):
        return bundle.add(loss)
    function = loss.__func__
    assert isinstance(function, types.FunctionType)
    node = inner_node(function)
    own = node.args.args[0].arg
    if any(isinstance(part, ast.Name) and part.id == own for part in ast.walk(node)):
        raise ExpressionError(
            f"The loss {loss.__qualname__} uses settings of its object, which its source lacks: pass a function."
        )
    key = bundle.add(function)
    bundle.definitions[key].method = True
    return key

"""The registry of statistics: typed quantities of one look at one network, the terminals of every formula."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gpproxy.registry import Registry


@dataclass(frozen=True)
class Statistic:
    """One typed quantity.

    Attributes:
        name: as written in a formula.
        type: nominal type (`gpproxy.primitives.types`).
        function: `f(passes, sizes)`; a layer type returns a list with one tensor (or None) per layer of `look.noise`, a
            network type one tensor.
        source: (Author, year).
        backward: whether it needs gradients.
        summary: first paragraph of the documentation.
    """

    name: str
    type: type
    function: Callable[..., Any]
    source: str
    backward: bool = False
    summary: str = ""


STATISTICS: Registry[Statistic] = Registry("statistic", "gpproxy.statistics")


def statistic(type: type, *, source: str, backward: bool = False, name: str | None = None) -> Callable:
    """Registers the decorated function as a statistic."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        summary = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
        label = name or function.__name__
        STATISTICS.add(label, Statistic(label, type, function, source, backward, summary))
        return function

    return decorate

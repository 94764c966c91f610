"""The registry of statistics: typed quantities of one look at one network, the terminals of every formula."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from gpproxy.registry import Registry

#: What the entries of a statistic can be: any number, from 0 up, above 0.
Sign = Literal["real", "nonnegative", "positive"]
#: The source of a statistic that is read off shapes.
STRUCTURE = "structure"


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
        reads: what it reads beside structure; statistics that read the same cost little more than one of them, so they
            are collected and cached together. Empty: it is cached alone.
        range: what its entries can be; algebra relies on it.
        linear_regions: whether it reads signs as the linear regions of a network; where activations are smooth, there
            are none, and its function leaves those layers out.
        summary: first paragraph of the documentation.
    """

    name: str
    type: type
    function: Callable[..., Any]
    source: str
    backward: bool = False
    summary: str = ""
    range: Sign = "real"
    reads: str = ""
    linear_regions: bool = False

    @property
    def remark(self) -> str:
        """What a user should know of its values, a sentence or nothing."""
        told = "It reads signs as linear regions: it is absent in layers whose activation is smooth (SiLU, GELU, ...)."
        return told if self.linear_regions else ""

    @property
    def structural(self) -> bool:
        """Whether it depends on shapes alone: no weight, no input changes it."""
        return self.source == STRUCTURE


STATISTICS: Registry[Statistic] = Registry("statistic", "gpproxy.statistics")


def statistic(
    type: type,
    *,
    source: str,
    backward: bool = False,
    name: str | None = None,
    range: Sign = "real",
    reads: str = "",
    linear_regions: bool = False,
) -> Callable:
    """Registers the decorated function as a statistic."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        summary = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
        label = name or function.__name__
        STATISTICS.add(label, Statistic(label, type, function, source, backward, summary, range, reads, linear_regions))
        return function

    return decorate

"""What a classical proxy is: a named function of one look at one untrained network, with a direction and a cost."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gpproxy.errors import StatisticsError
from gpproxy.recording.layer import Layer
from gpproxy.registry import Registry
from gpproxy.seeds import numbered
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.single_pass import Pass


@dataclass(frozen=True)
class ClassicalProxy:
    """One classical proxy.

    Attributes:
        name: its column in every table.
        function: `f(look) -> float`; NaN where the value is not finite.
        direction: +1 when a higher value is published as better, -1 when a lower one is.
        source: (Author, year).
        forwards, backwards: passes of the whole batch beyond the noise, perturbed and input-gradient passes.
        needs_backward: whether any gradient is needed, from a shared pass or an own one.
        summary: first line of the documentation.
        linear_regions: whether its derivation reads signs as the linear regions of a network. Of smooth activations,
            where there are none, it counts the signs all the same.
    """

    name: str
    function: Callable[[Passes], float]
    direction: int
    source: str
    forwards: float = 0
    backwards: float = 0
    needs_backward: bool = False
    summary: str = ""
    linear_regions: bool = False

    @property
    def remark(self) -> str:
        """What a user should know of its values, a sentence or nothing."""
        told = (
            "It reads signs as linear regions; smooth activations (SiLU, GELU, ...) have none, but their signs count."
        )
        return told if self.linear_regions else ""

    def __call__(self, passes: Passes) -> float:
        return self.function(passes)

    @property
    def dear(self) -> bool:
        """Whether it takes passes of the whole batch that no other needs."""
        return self.forwards + self.backwards >= 1


PROXIES: Registry[ClassicalProxy] = Registry("proxy", "gpproxy.proxies")


def proxy(
    *,
    direction: int = 1,
    source: str,
    forwards: float = 0,
    backwards: float = 0,
    needs_backward: bool = False,
    name: str | None = None,
    linear_regions: bool = False,
) -> Callable[[Callable[[Passes], Tensor | float]], Callable[[Passes], float]]:
    """Registers `f(look) -> number` as a proxy; numerical failure becomes NaN, the failure of a pass of its own an
    AbsentPass, any other error stays an error."""

    def decorate(function: Callable[[Passes], Tensor | float]) -> Callable[[Passes], float]:
        @functools.wraps(function)
        def guarded(passes: Passes) -> float:
            own = passes.beyond(f"pass of {label}") if forwards or backwards else nullcontext()
            with own:
                try:
                    value = float(function(passes))
                except (torch.linalg.LinAlgError, np.linalg.LinAlgError):
                    return math.nan
            return value if math.isfinite(value) else math.nan

        label = name or function.__name__
        summary = (inspect.getdoc(function) or "").split("\n")[0]
        described = (label, guarded, direction, source, forwards, backwards, needs_backward, summary, linear_regions)
        PROXIES.add(label, ClassicalProxy(*described))
        return guarded

    return decorate


def fixed(seed: int) -> torch.Generator:
    """The generator of a proxy that needs random numbers: the same for every network."""
    return numbered(seed)


def gradients_of(passes: Passes) -> list[Layer]:
    """The layers of the noise pass. Raises StatisticsError when it ran without its backward pass."""
    record = passes.noise
    if record.loss is None:
        raise StatisticsError("This proxy needs gradients, but the look was made with backward=False.")
    return record.layers


def weights_of(record: Pass) -> list[Tensor]:
    """The very tensors that a pass used as weights, each once, in order of the first use."""
    weights = {id(layer.call.weight): layer.call.weight for layer in record.layers}
    return [weight for weight in weights.values() if weight.requires_grad]

"""Layer reducers, the only way from a layer to the network.

In: `architecture x layer [x n x n]` and depths `architecture x layer`. Out: `architecture [x n x n]`. Names end in
`_layers` for all layers, in `_early`, `_middle`, `_late` for a third of the depth: below 1/3, between, above 2/3. A
layer with NaN as depth is absent and never counts; where none is left the result is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gpproxy.primitives import notation, numerics
from gpproxy.primitives.numerics import quotient, saturate
from gpproxy.primitives.primitive import maps, primitive
from gpproxy.primitives.types import LayerScalar, NetworkKernel, SampleKernel, Scalar

EDGE = 1e-6


def _everywhere(depth: Tensor) -> Tensor:
    return ~depth.isnan()


def _early(depth: Tensor) -> Tensor:
    return depth < 1 / 3 - EDGE


def _middle(depth: Tensor) -> Tensor:
    return (depth >= 1 / 3 - EDGE) & (depth <= 2 / 3 + EDGE)


def _late(depth: Tensor) -> Tensor:
    return depth > 2 / 3 + EDGE


REGIONS: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "layers": (_everywhere, "the layers"),
    "early": (_early, "the first third of the depth"),
    "middle": (_middle, "the middle third of the depth"),
    "late": (_late, "the last third of the depth"),
}


def _wide(mask: Tensor, x: Tensor) -> Tensor:
    """`architecture x layer` with as many axes as x."""
    return mask.view(*mask.shape, *[1] * (x.ndim - 2))


def _sum(x: Tensor, mask: Tensor, depth: Tensor) -> Tensor:
    return saturate(x.masked_fill(~_wide(mask, x), 0.0).sum(1))


def _mean(x: Tensor, mask: Tensor, depth: Tensor) -> Tensor:
    count = mask.sum(1).clamp_min(1).to(x.dtype)
    return x.masked_fill(~_wide(mask, x), 0.0).sum(1) / count.view(-1, *[1] * (x.ndim - 2))


def _min(x: Tensor, mask: Tensor, depth: Tensor) -> Tensor:
    return x.masked_fill(~mask, torch.inf).amin(1).masked_fill(~mask.any(1), 0.0)


def _max(x: Tensor, mask: Tensor, depth: Tensor) -> Tensor:
    return x.masked_fill(~mask, -torch.inf).amax(1).masked_fill(~mask.any(1), 0.0)


def _median(x: Tensor, mask: Tensor, depth: Tensor) -> Tensor:
    ordered = x.masked_fill(~mask, torch.inf).sort(1).values
    count = mask.sum(1, keepdim=True)
    low = ordered.gather(1, (count - 1).clamp_min(0) // 2)
    high = ordered.gather(1, (count // 2).clamp_max(x.shape[1] - 1))
    middle = low.mul_(0.5).add_(high.mul_(0.5)).squeeze(1)
    lost = (x.isnan() & mask).any(1)  # sorted last, NaN would not be seen
    return middle.masked_fill_(~mask.any(1), 0.0).masked_fill_(lost, torch.nan)


def _pick(x: Tensor, mask: Tensor, index: Tensor) -> Tensor:
    chosen = x[torch.arange(len(x), device=x.device), index]
    return chosen.masked_fill_(~mask.any(1).view(-1, *[1] * (x.ndim - 2)), 0.0)


def _first(x: Tensor, mask: Tensor, depth: Tensor) -> Tensor:
    return _pick(x, mask, depth.masked_fill(~mask, torch.inf).argmin(1))


def _last(x: Tensor, mask: Tensor, depth: Tensor) -> Tensor:
    return _pick(x, mask, depth.masked_fill(~mask, -torch.inf).argmax(1))


def _deviations(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """`(x - mean) / peak` over the layers in the mask, 0 elsewhere and where x is constant; and the peak."""
    inside = x.masked_fill(~mask, 0.0)
    top = numerics.peak(inside)
    scaled = inside.div_(top)
    count = mask.sum(1, keepdim=True).clamp_min(1)
    scaled = (scaled - scaled.sum(1, keepdim=True) / count).masked_fill_(~mask, 0.0)
    flat = scaled.abs().amax(1, keepdim=True) <= 16 * torch.finfo(x.dtype).eps
    return scaled.masked_fill_(flat, 0.0), top.squeeze(1)


def _std(x: Tensor, mask: Tensor, depth: Tensor) -> Tensor:
    scaled, top = _deviations(x, mask)
    return (scaled.square().sum(1) / mask.sum(1).clamp_min(1)).sqrt_().mul_(top)


def _slope(x: Tensor, mask: Tensor, depth: Tensor) -> Tensor:
    scaled, top = _deviations(x, mask)
    along, reach = _deviations(depth.to(x.dtype), mask)
    slope = quotient((scaled * along).sum(1), along.square().sum(1))
    return saturate(slope.mul_(top).div_(reach.clamp_min(EDGE)))


Reducer = Callable[[Tensor, Tensor, Tensor], Tensor]
#: What is declared of a reducer over any region.
ODD: dict[str, Any] = {"parity": "odd"}
LINEAR: dict[str, Any] = {**ODD, "linear": True}
#: Name, what it does, the reducer, whether kernels can be reduced so, what is declared of it.
REDUCERS: tuple[tuple[str, str, Reducer, bool, dict[str, Any]], ...] = (
    ("sum", "Sum over", _sum, True, LINEAR),
    ("mean", "Mean over", _mean, True, LINEAR),
    ("min", "Smallest over", _min, False, {"mirror": "max"}),
    ("max", "Largest over", _max, False, {"mirror": "min"}),
    ("median", "Median over", _median, False, ODD),
    ("std", "Population standard deviation over", _std, False,
     {"parity": "even", "range": "nonnegative", "least_layers": 2}),
    ("slope", "Least-squares slope against the depth (0 to 1) in", _slope, False, {"parity": "odd", "least_layers": 2}),
    ("first", "The first of", _first, True, LINEAR),
    ("last", "The last of", _last, True, LINEAR),
)  # fmt: skip
#: Reducers that LaTeX has a sign for.
SIGNS = {"sum": r"\sum", "min": r"\min", "max": r"\max"}
SINGLE = {"first_layers": "first_layer", "last_layers": "last_layer"}


def _register(name: str, words: str, reducer: Reducer, kernels: bool, declared: dict[str, Any], where: str) -> None:
    choose, place = REGIONS[where]

    def over_layers(x: Tensor, depth: Tensor) -> Tensor:
        return reducer(x, choose(depth), depth)

    over_layers.__doc__ = f"{words} {place}."
    signatures = maps((LayerScalar, Scalar), *([(SampleKernel, NetworkKernel)] if kernels else []))
    full = f"{name}_{where}"
    region = "" if where == "layers" else where
    declared = {**declared, "latex": notation.over_layers(_sign(name), region, bare=name == "sum")}
    if "mirror" in declared:
        declared["mirror"] += f"_{where}"
        declared["chooses"] = not region  # a region may hold no layer, and its 0 is no entry
    if name == "sum":
        declared["plain"] = f"Σ{region and f'[{region}]'}({{0}})"
    if full in SINGLE:
        declared["phrase"] = f"the {name} layer's value of {{0}}"
    primitive(
        "reduce", signatures, source="layer aggregation; thirds of depth (this work)", name=SINGLE.get(full, full),
        over_layers=True, cost=0.1, region=region, **declared,
    )(over_layers)  # fmt: skip


def _sign(name: str) -> str:
    return SIGNS.get(name) or notation.upright(name, "operatorname*")


for _where in REGIONS:
    for _name, _words, _reducer, _kernels, _declared in REDUCERS:
        _register(_name, _words, _reducer, _kernels, _declared, _where)


@primitive(
    "reduce",
    maps(((LayerScalar, LayerScalar), Scalar)),
    source="weighted mean",
    over_layers=True,
    cost=0.1,
    phrase="the mean over the layers of {0}, weighted by {1}",
    latex=notation.over_layers(_sign("weighted_mean"), operands=2),
)
def weighted_mean_layers(x: Tensor, weight: Tensor, depth: Tensor) -> Tensor:
    """Mean of x over the layers, weighted by |weight|; 0 where all weights are 0."""
    inside = _everywhere(depth)
    size = weight.abs().masked_fill_(~inside, 0.0)
    size = size / numerics.peak(size)
    return quotient((x.masked_fill(~inside, 0.0) * size).sum(1), size.sum(1))


@primitive(
    "reduce",
    maps(((LayerScalar, LayerScalar), Scalar)),
    source="Pearson (1895)",
    over_layers=True,
    commutative=True,
    cost=0.1,
    least_layers=2,
    phrase="the correlation over the layers of {0} and {1}",
    latex=notation.over_layers(_sign("correlation"), operands=2),
)
def correlation_layers(x: Tensor, y: Tensor, depth: Tensor) -> Tensor:
    """Pearson correlation of two quantities over the layers, -1 to 1; 0 where one is constant."""
    inside = _everywhere(depth)
    (a, _), (b, _) = _deviations(x, inside), _deviations(y, inside)
    return quotient((a * b).sum(1), (a.square().sum(1) * b.square().sum(1)).sqrt_())


@primitive(
    "reduce",
    maps((LayerScalar, Scalar)),
    source="AZ-NAS progressivity (Lee and Ham, 2024)",
    over_layers=True,
    cost=0.1,
    least_layers=2,
    latex=notation.over_layers(_sign("min_step")),
)
def min_step_layers(x: Tensor, depth: Tensor) -> Tensor:
    """Smallest increase from one layer to the next; 0 with fewer than two layers."""
    inside = _everywhere(depth)
    if x.shape[1] < 2:
        return x.new_zeros(len(x))
    order = depth.masked_fill(~inside, torch.inf).argsort(dim=1, stable=True)
    steps = x.gather(1, order).diff(dim=1)
    real = inside.gather(1, order)[:, 1:]
    return steps.masked_fill(~real, torch.inf).amin(1).masked_fill(~real.any(1), 0.0)

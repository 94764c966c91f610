"""What a look at one network of the gallery sees, and what it costs.

In: a search space. Out: a Seen: shares of parameters and MACs inside what was recorded, against torch's own counter;
statistics and classical proxies that are there, and why the others are not; and Times: CPU seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gpproxy.search_spaces import Batch, SearchSpace
from gpproxy.seeds import seeded
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one, look_at
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.plain_copy import plain_copy
from gpproxy.statistics.record import Record


@dataclass(frozen=True)
class Seen:
    """One network as it was looked at.

    Attributes:
        space, code: which network.
        layers: weighted operations of a pass.
        parameters, macs: of the network, MACs for one sample by torch's counter.
        parameter_share, mac_share: of them inside what was recorded; 1 is all.
        statistics, proxies: how many are there, and how many there are.
        absent: why the others are not, by name; "" where no reason was told.
    """

    space: str
    code: str
    layers: int
    parameters: int
    macs: float
    parameter_share: float
    mac_share: float
    statistics: tuple[int, int]
    proxies: tuple[int, int]
    absent: dict[str, str]


@dataclass(frozen=True)
class Times:
    """CPU seconds of one network.

    Attributes:
        look: of all statistics.
        bare: of one forward and backward pass.
        passes: of the passes of the look, on as many samples, without recording anything.
        whole: of the same with the whole batch in each, where a look makes one of it and the others of the first few.
    """

    look: float
    bare: float
    passes: float
    whole: float


def seen(space: SearchSpace, samples: int = 16) -> Seen:
    """A look at the first architecture of a space, with a batch of `samples`."""
    code = space.encode(next(iter(space.enumerate())))
    how = Collection(samples=samples, proxy_samples=min(samples, Passes.NARROW), describe=False)
    statistics, proxies = (collect_one(space, code, part) for part in how.parts())
    recorded = look_at(space, code, how.parts()[0]).noise.recorder
    sizes = [parameter.numel() for _, parameter in recorded.parameters]
    macs = counted_macs(space, code)
    found = sum(layer.macs for layer in recorded.layers) + recorded.other_macs
    absent = {**missing(statistics), **missing(proxies)}
    return Seen(
        space.name,
        code,
        len(recorded.layers),
        sum(sizes),
        macs,
        sum(sizes[number] for number in recorded.seen) / sum(sizes),
        found / macs,
        (len(statistics.values) - len(missing(statistics)), len(statistics.values)),
        (len(proxies.columns) - len(missing(proxies)), len(proxies.columns)),
        absent,
    )


def missing(record: Record) -> dict[str, str]:
    """The statistics and classical proxies without a finite value, with the reason, "" where none was told."""
    names = []
    for name, value in record.values.items():
        tensors = [value] if isinstance(value, Tensor) else [layer for layer in value if layer is not None]
        if not tensors or not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
            names.append(name)
    names += [name for name, value in record.columns.items() if not abs(value) < float("inf")]
    return {name: record.absent.get(name, "") for name in names}


def counted_macs(space: SearchSpace, code: str) -> float:
    """MACs for one sample as torch counts them in the operations that run, attention by its plain products."""
    network = built(space, code).requires_grad_(False)
    batch = space.batch(4, seeded("macs"))
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        batch.call(network)
    return counter.get_total_flops() / 2 / len(batch)


def times(space: SearchSpace, code: str, samples: int = 32, repeats: int = 3) -> Times:
    """The fastest of some looks at a batch of `samples`, and of bare passes of the same kinds, in turns.

    The network is built on all sides.
    """
    how = Collection(samples=samples, proxies=(), describe=False)
    batch = space.batch(how.samples, seeded("batch"))
    few = batch.first(Passes.NARROW)
    draws = look_at(space, code, how, backward=False).noise.random

    def once(given: Batch = few) -> None:
        network = built(space, code)
        torch.autograd.grad(space.loss(given.call(network), given), list(network.parameters()), allow_unused=True)

    def every(given: Batch) -> None:
        once(given)
        network = built(space, code)
        with torch.no_grad():
            given.call(network)  # the perturbed one
            if given is few:
                batch.call(network)  # the wide one
        inputs = given.visible.clone().requires_grad_(True)
        torch.autograd.grad(given.with_visible(inputs).call(network).sum(), inputs, allow_unused=True)
        _ones(network, given)
        _jacobian(network, given, draws)

    return Times(*cpu([lambda: collect_one(space, code, how), once, lambda: every(few), lambda: every(batch)], repeats))


def _ones(network: nn.Module, batch: Batch) -> None:
    network, first = plain_copy(network).eval(), batch.first(1)
    try:
        wide = first.each(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)
        total = wide.with_visible(torch.ones_like(wide.visible)).call(network.double()).sum()
    except RuntimeError:  # it makes tensors in float32
        total = first.with_visible(torch.ones_like(first.visible)).call(network.float()).sum()
    torch.autograd.grad(total, list(network.parameters()), allow_unused=True)


def _jacobian(network: nn.Module, batch: Batch, draws: bool) -> None:
    few = batch.first(Passes.DIRECTION_SAMPLES)
    passes, directions = (Passes.DIRECTIONS, 1) if draws else (1, Passes.DIRECTIONS)
    tiled = few.samples(lambda tensor: tensor.repeat(directions, *[1] * (tensor.ndim - 1)))
    dual = torch.ones_like(tiled.visible)
    for _ in range(passes):
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), forward_ad.dual_level():
            tiled.with_visible(forward_ad.make_dual(tiled.visible, dual)).call(network)


def built(space: SearchSpace, code: str) -> nn.Module:
    return space.build(space.decode(code), seeded("weights"))


def cpu(ways: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Smallest CPU seconds of some calls of each after a first one, in turns."""
    found: list[list[float]] = [[] for _ in ways]
    for _ in range(repeats + 1):
        for work, seconds in zip(ways, found):
            start = time.process_time()
            work()
            seconds.append(time.process_time() - start)
    return [min(seconds[1:]) for seconds in found]

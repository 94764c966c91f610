"""What a look at one network of the gallery sees, and what it costs.

In: a search space. Out: a Seen: shares of parameters and MACs inside what was recorded, against torch's own counter;
statistics and classical proxies that are there, and why the others are not; and Times: CPU seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gpproxy.search_spaces import SearchSpace
from gpproxy.seeds import seeded
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one, look_at
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.record import Record
from tests.speed.bare import Bare, cpu


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
        whole: of passes of the whole batch, where a look makes one of it and the others of its first samples.
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
    network = space.build(space.decode(code), seeded("weights")).requires_grad_(False)
    batch = space.batch(4, seeded("macs"))
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        batch.call(network)
    return counter.get_total_flops() / 2 / len(batch)


def times(space: SearchSpace, code: str, samples: int = 32, repeats: int = 3) -> Times:
    """The fastest of some looks at a batch of `samples`, and of bare passes of the same kinds, in turns.

    The network is built on all sides.
    """
    how = Collection(samples=samples, proxies=(), describe=False)
    bare = Bare(space, code, how)
    collect_one(space, code, how)  # what is loaded and compiled once does not count

    def built(work: Callable[[], None]) -> None:
        bare.build()
        work()

    ways = [partial(built, work) for work in (bare.forward_backward, bare.every_pass, bare.wide_backward)]
    return Times(*cpu([lambda: collect_one(space, code, how), *ways], repeats))

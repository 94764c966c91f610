"""How untrained generators are looked at: what is collected, from which batch, on which device.

In: names of statistics and classical proxies, sizes, a seed. Out: a Collection, which the cache, the collectors and
exported proxies read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gpproxy.errors import ConfigError
from gpproxy.foreign import LOOK
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import STATISTICS, Statistic


@dataclass(frozen=True)
class Collection:
    """How a generator is looked at.

    Attributes:
        seed: initialisation seed; together with the space and the code it fixes every random number.
        samples: batch size; passes other than the wide one see the first `Passes.NARROW` of it.
        sizes: what cut values keep.
        statistics: names to collect; None means all that are registered, () none.
        proxies: classical proxies to compute as columns; None means all, () none. They cost several times as much as
            the statistics, so they have a batch of their own size and their own files in the cache.
        proxy_samples: batch size for the classical proxies, at most `Passes.NARROW`: they read gradients.
        device: where the passes run.
        describe: whether to read the structural descriptors off as columns.
        look_seconds: time that a look may take, 0 for any; it changes no value, so the cache does not ask for it.
    """

    seed: int = 0
    samples: int = 64
    sizes: Sizes = field(default_factory=Sizes)
    statistics: tuple[str, ...] | None = None
    proxies: tuple[str, ...] | None = None
    proxy_samples: int = 16
    device: str = "cpu"
    describe: bool = True
    look_seconds: float = field(default=LOOK, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= self.proxy_samples <= Passes.NARROW:
            raise ConfigError(
                f"1 <= proxy_samples <= {Passes.NARROW} must hold, but got proxy_samples={self.proxy_samples}: passes "
                f"with gradients see at most {Passes.NARROW} inputs, so more would change nothing."
            )

    def chosen(self) -> list[Statistic]:
        return [STATISTICS[name] for name in (STATISTICS if self.statistics is None else self.statistics)]

    def chosen_proxies(self) -> tuple[str, ...]:
        return tuple(PROXIES) if self.proxies is None else self.proxies

    def parts(self) -> list[Collection]:
        """The looks that this takes: one for the statistics, one for the classical proxies, where any are asked for."""
        inits = [replace(self, proxies=())] if self.chosen() or not self.chosen_proxies() else []
        if self.chosen_proxies():
            inits.append(replace(self, statistics=(), samples=self.proxy_samples))
        return inits

    def pieces(self) -> list[Collection]:
        """What one of the `parts` leaves in the cache, each as a file of its own, so that nothing is collected twice.

        Statistics that read the same pass are one piece, whichever of them are asked for; the descriptors, which take
        no look, are another, the same for all initialisations; classical proxies without and with dear passes of their
        own are two.
        """
        alone = replace(self, describe=False)
        wanted = {statistic.reads or statistic.name for statistic in self.chosen()}
        together: dict[str, list[str]] = {}
        for statistic in STATISTICS.values():
            if (kind := statistic.reads or statistic.name) in wanted:
                together.setdefault(kind, []).append(statistic.name)
        pieces = [replace(alone, statistics=tuple(names), proxies=()) for names in together.values()]
        proxies: dict[bool, list[str]] = {}
        for name in self.chosen_proxies():
            proxies.setdefault(PROXIES[name].dear, []).append(name)
        pieces += [replace(alone, proxies=tuple(names)) for names in proxies.values()]
        if not pieces:
            return [alone]
        return [*pieces, Collection(statistics=(), proxies=())] if self.describe and self.chosen() else pieces

    @property
    def backward(self) -> bool:
        """Whether any gradient is needed."""
        return any(s.backward for s in self.chosen()) or bool(self.chosen_proxies())

    @property
    def descriptors_only(self) -> bool:
        """Whether it is the descriptors alone, which take no look."""
        return self.describe and not self.chosen() and not self.chosen_proxies()

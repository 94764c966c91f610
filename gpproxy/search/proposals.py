"""From a strategy's proposals to architectures worth a look: each once, and within the limits on size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from gpproxy.proxies.size import Size, Sizer
from gpproxy.search.limits import Limits, impossible
from gpproxy.search.store import Store
from gpproxy.search.stored import key_of
from gpproxy.search.strategies import Strategy
from gpproxy.search_spaces.space import Architecture

#: Refused proposals in a row after which: random ones take the strategy's place; the limits are checked for whether
#: anything passes them; the space is gone through in order; and how far that goes.
STUCK, DOUBT, WALK, FAR = 50, 300, 3000, 200_000


class Proposals:
    """Takes up proposals that are new and small enough.

    Args:
        strategy: where they come from.
        sizer: tells the size of an architecture.
        limits: largest sizes.
        store: knows what was proposed before.

    Attributes:
        repeated, refused: how many proposals were seen before, and how many were too large.
        accepted: how many were taken up.
        finished: why there are no further ones, empty while there are: `space` (all were proposed) or `rare`.
    """

    def __init__(self, strategy: Strategy, sizer: Sizer, limits: Limits, store: Store):
        self.strategy, self.sizer, self.limits, self.store = strategy, sizer, limits, store
        self.repeated = self.refused = self.accepted = 0
        self.finished = ""
        self._walk: Iterator[Architecture] | None = None
        self._walked = 0

    def take(self) -> tuple[str, Size | None] | None:
        """The code of the next one, and its size where a limit asked for it. None when there is none left.

        Raises ConfigError when no architecture is within the limits.
        """
        space = self.strategy.space
        misses = 0
        while not self.finished:
            architecture = self._propose(misses)
            if architecture is None:
                self._end()
                break
            key = key_of(space.canonical(architecture))
            if self.store.proposed(key):
                self.repeated += 1
                misses += 1
            else:
                size = self.sizer(architecture) if self.limits.on_size else None
                if size is None or self.limits.admits(size):
                    self.store.propose(key, self.accepted)
                    self.accepted += 1
                    return space.encode(architecture), size
                self.store.propose(key, None)
                self.refused += 1
                misses += 1
                self.strategy.refused(architecture)
            if misses == DOUBT and not self.accepted:
                self._doubt()
        return None

    def state(self) -> dict[str, Any]:
        """Everything beside the store and the strategy that the next one depends on, as plain values."""
        counted = {"repeated": self.repeated, "refused": self.refused, "accepted": self.accepted}
        walked = None if self._walk is None else self._walked
        return {**counted, "finished": self.finished, "walked": walked}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        self.repeated, self.refused = int(state["repeated"]), int(state["refused"])
        self.accepted, self.finished = int(state["accepted"]), str(state["finished"])
        if state["walked"] is not None:
            self._walked = int(state["walked"])
            self._walk = islice(self.strategy.space.enumerate(), self._walked, None)

    def _propose(self, misses: int) -> Architecture | None:
        space = self.strategy.space
        if self._walk is not None:
            self._walked += 1
            return next(self._walk, None) if misses < FAR else None
        if misses > WALK:
            self._walk = iter(space.enumerate())
        if misses > STUCK and self.strategy.feedback:
            return space.sample(self.strategy.rng)
        return self.strategy.propose()

    def _doubt(self) -> None:
        """Raises when nothing passes the limits, which else would take the whole space to find out."""
        if self.limits.on_size and (error := impossible(self.strategy.space, self.sizer, self.limits)):
            raise error

    def _end(self) -> None:
        if not self.accepted:
            self._doubt()
        left = None if self._walk is None else next(self._walk, None)
        seen = self.accepted + self.refused
        self.finished = "rare" if left is not None and seen < self.strategy.space.count() else "space"

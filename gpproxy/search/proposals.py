"""From a strategy's proposals to architectures worth a look: each once, and within the limits on size."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from gpproxy.proxies.size import Size, Sizer
from gpproxy.search.journal import Memory
from gpproxy.search.limits import Limits, impossible
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
        memory: sizes and candidates of an earlier run.

    Attributes:
        excluded: sizes of those that a limit excluded, since `drain` was called last.
        repeated, refused: how many proposals were seen before, and how many were too large.
        finished: why there are no further ones, empty while there are: `space` (all were proposed) or `rare`.
    """

    def __init__(self, strategy: Strategy, sizer: Sizer, limits: Limits, memory: Memory):
        self.strategy, self.sizer, self.limits, self.memory = strategy, sizer, limits, memory
        self.repeated = self.refused = 0
        self.finished = ""
        self._seen: set[bytes] = set()
        self._excluded: list[tuple[str, Size]] = []
        self._any = False
        self._walk: Iterator[Architecture] | None = None

    def take(self) -> tuple[str, Size | None] | None:
        """The code of the next one, and its size where a limit asked for it. None when there is none left.

        Raises ConfigError when no architecture is within the limits.
        """
        space = self.strategy.space
        misses = 0
        while not self.finished:
            architecture = self._propose(misses)
            if architecture is None:
                self._end(not self._any)
                break
            key = blake2b(repr(space.canonical(architecture)).encode(), digest_size=8).digest()
            if key in self._seen:
                self.repeated += 1
                misses += 1
            else:
                self._seen.add(key)
                code = space.encode(architecture)
                size = self._size(code, architecture) if self.limits.on_size else None
                if size is None or self.limits.admits(size):
                    self._any = True
                    return code, size
                self.refused += 1
                misses += 1
                self.strategy.refused(architecture)
            if misses == DOUBT and not self._any:
                self._doubt()
        return None

    def drain(self) -> list[tuple[str, Size]]:
        """What was excluded since the last call."""
        drained, self._excluded = self._excluded, []
        return drained

    def _propose(self, misses: int) -> Architecture | None:
        space = self.strategy.space
        if self._walk is not None:
            return next(self._walk, None) if misses < FAR else None
        if misses > WALK:
            self._walk = iter(space.enumerate())
        if misses > STUCK and self.strategy.feedback:
            return space.sample(self.strategy.rng)
        return self.strategy.propose()

    def _size(self, code: str, architecture: Architecture) -> Size:
        if code in self.memory.candidates:
            known = self.memory.candidates[code]
            return Size(known.params, known.macs)
        size = self.memory.sizes.pop(code, None)
        if size is None:
            size = self.sizer(architecture)
            if not self.limits.admits(size):
                self._excluded.append((code, size))
        return size

    def _doubt(self) -> None:
        """Raises when nothing passes the limits, which else would take the whole space to find out."""
        if self.limits.on_size and (error := impossible(self.strategy.space, self.sizer, self.limits)):
            raise error

    def _end(self, empty: bool) -> None:
        if empty:
            self._doubt()
        left = None if self._walk is None else next(self._walk, None)
        self.finished = "rare" if left is not None and len(self._seen) < self.strategy.space.count() else "space"

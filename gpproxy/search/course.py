"""The course of a search: what is drawn, told and kept, and where one goes on that was stopped.

In: a strategy, proposals, a store. Out: batches to score, the state after each one that was told, and the Progress. A
search with the same seed takes the same course, whoever scores its candidates and however often it was stopped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gpproxy.errors import RunError
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Work
from gpproxy.proxies.size import Size
from gpproxy.run.folder import AGAIN
from gpproxy.run.reading import reading
from gpproxy.search.candidates import Candidates
from gpproxy.search.order import LEADING, Leaders
from gpproxy.search.proposals import Proposals
from gpproxy.search.store import Store
from gpproxy.search.stored import key_of
from gpproxy.search.strategies import Strategy
from gpproxy.search_spaces.space import Architecture

#: Candidates that a worker gets at a time.
CHUNK = 4

#: A proposal that was taken up: its code, and its size where a limit asked for it.
Drawn = tuple[str, Size | None]


@dataclass
class Progress:
    """How far a search is; the same object after every batch.

    Attributes:
        store: where the candidates are.
        budget: how many there will be.
        told: scored candidates so far, in the order of the search.
        leaders: the best of them.
        seconds: since this process began to search.
        fresh: candidates that this process has scored; the others were there already.
        dropped: candidates that were there and belong to a search that took another course, as with another budget.
        excluded, slow: architectures that a limit on size or on latency has excluded.
        repeated: proposals that had been seen before.
        finished: empty while the search goes on; then `budget`, `time`, `space` (nothing is left) or `rare` (hardly
            anything is within the limits).
    """

    store: Store
    budget: int
    told: int = 0
    leaders: Leaders = field(default_factory=Leaders)
    seconds: float = 0.0
    fresh: int = 0
    dropped: int = 0
    excluded: int = 0
    slow: int = 0
    repeated: int = 0
    finished: str = ""

    @property
    def seen(self) -> Candidates:
        """The scored candidates, in order."""
        return Candidates(self.store)

    @property
    def work(self) -> Work:
        """What all scored candidates took, those of earlier runs included."""
        return self.store.work

    @property
    def rate(self) -> float:
        """Candidates per second of this process."""
        return self.fresh / self.seconds if self.seconds > 0 else 0.0

    @property
    def left(self) -> float:
        """Seconds that the rest will take; infinite before anything is known."""
        return (self.budget - self.told) / self.rate if self.rate else float("inf")


class Course:
    """What is drawn, told and kept, and where a search is that goes on.

    Attributes:
        in_time: whether any candidate was within the limit on latency, or there is none.
        waiting: batches that were drawn before the state from which this search goes on.
    """

    def __init__(self, strategy: Strategy, proposals: Proposals, store: Store, budget: int):
        self.strategy, self.proposals, self.store = strategy, proposals, store
        self.progress = Progress(store, budget)
        self.in_time = not proposals.limits.latency
        self.waiting: deque[list[Drawn]] = deque()
        #: batches that were drawn and not told yet
        self._out: deque[list[Drawn]] = deque()
        #: candidates that were looked up, and those that the budget is for: slow ones do not count once they are told
        self._looked_up = self._taken = 0
        #: whether the state is that of every search with this seed; once the budget has cut a batch, it is not
        self._uncut = True
        if store.count - store.slow > budget:
            raise RunError(
                f"{store.path.parent} has {store.count - store.slow:,} candidates already, but got budget={budget}. "
                f"Give --budget {store.count - store.slow} or more."
            )
        state = store.state()
        strategy.recall = self._recalled
        if state is not None:
            with reading(store.path, AGAIN):
                self._restore(state)

    def draw(self) -> list[Drawn]:
        """The next batch; none where there is no room, or nothing left."""
        if self.waiting:
            drawn = self.waiting.popleft()
        else:
            room = min(CHUNK, self.strategy.room(self._taken, self.progress.told))
            left = self.progress.budget - self._taken
            self._uncut = self._uncut and left >= room
            drawn = []
            while len(drawn) < min(room, left) and (one := self.proposals.take()):
                drawn.append(one)
            self._taken += len(drawn)
        if drawn:
            self._out.append(drawn)
        self.progress.excluded, self.progress.repeated = self.proposals.refused, self.proposals.repeated
        return drawn

    def known(self, drawn: Sequence[Drawn]) -> dict[str, Scored]:
        """Those of a batch that were there already; whatever else is there from then on is of another course."""
        first, self._looked_up = self._looked_up, self._looked_up + len(drawn)
        if first >= self.store.count:
            return {}
        known: dict[str, Scored] = {}
        for (code, _), one in zip(drawn, self.store.rows(first, len(drawn))):
            if one.code != code:
                self.progress.dropped += self.store.drop(first + len(known))
                break
            known[code] = one
        return known

    def tell(self, batch: Sequence[Scored], whole: bool) -> None:
        """Tells the strategy of a batch and commits it.

        Args:
            whole: whether the search goes on after it.
        """
        progress = self.progress
        self._out.popleft()
        for one in batch:
            if one.slow:
                progress.slow += 1
                self._taken -= 1
                continue
            progress.told += 1
            progress.leaders.add(one)
            self.strategy.tell(one)
            self.in_time = self.in_time or one.latency <= self.proposals.limits.latency
        if whole and self._uncut and self.store.due and (state := self._state()):
            self.store.save(state)
        self.store.commit()

    def _state(self) -> dict[str, Any] | None:
        """Where the search is, as plain values; None for a strategy that has no state."""
        strategy = self.strategy.state()
        if strategy is None:
            return None
        progress, proposals = self.progress, self.proposals.state()
        return {
            "strategy": strategy,
            "proposals": proposals,
            "told": progress.told,
            "slow": progress.slow,
            "in_time": self.in_time,
            "out": list(self._out),
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        progress = self.progress
        self.strategy.restore(state["strategy"])
        self.proposals.restore(state["proposals"])
        progress.told, progress.slow = int(state["told"]), int(state["slow"])
        self.in_time = bool(state["in_time"])
        for batch in state["out"]:
            self.waiting.append(
                [(str(code), None if size is None else Size(*map(float, size))) for code, size in batch]
            )
        self._looked_up = progress.told + progress.slow
        self._taken = progress.told + sum(map(len, self.waiting))
        if not 0 <= self._looked_up <= self.store.count:
            raise ValueError(f"its state is after {self._looked_up} candidates, but it has {self.store.count}")
        progress.leaders = Leaders(self.store.best(LEADING, self._looked_up))

    def _recalled(self, architecture: Architecture) -> float | None:
        key = key_of(self.strategy.space.canonical(architecture))
        return self.store.recall(key, self.progress.told + self.progress.slow)

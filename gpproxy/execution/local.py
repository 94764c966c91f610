"""Tasks in this process, one after the other or several in turns; nothing runs before somebody waits for news."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from gpproxy.execution.task import Message, Stop, Turns, messages, never, one_by_one


class Local:
    """See `Place`. What a task raises beside an Exception, Ctrl-C most of all, comes out of `take`.

    Args:
        steps: whether functions yield reports and take a `Stop` as their last argument.
        stop: asked between steps; once it is True no further task begins.
        together, turns: how many tasks run at a time, and what gives them their turns.
    """

    def __init__(self, *, steps: bool = False, stop: Stop = never, together: int = 1, turns: Turns = one_by_one):
        self._steps, self._stop = steps, stop
        self._together, self._turns = together, turns
        self._left: deque[tuple[int, Callable[..., Any], tuple[Any, ...]]] = deque()
        self._running: Iterator[tuple[int, Message]] = iter(())

    def __enter__(self) -> Local:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._left.clear()
        self._running = iter(())  # closes what runs: it may hold files and locks

    @property
    def workers(self) -> int:
        """See `Place.workers`."""
        return self._together

    def submit(self, number: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """See `Place.submit`."""
        self._left.append((number, function, arguments))

    def complete(self) -> None:
        """See `Place.complete`."""

    def take(self) -> Message | None:
        """See `Place.take`."""
        while True:
            for _, message in self._running:
                return message
            if not self._left or self._stop():
                return None
            self._running = iter(self._turns(self._begun(), self._together))

    def _begun(self) -> Iterator[Iterator[Message]]:
        while self._left and not self._stop():
            yield messages(*self._left.popleft(), self._stop if self._steps else None)

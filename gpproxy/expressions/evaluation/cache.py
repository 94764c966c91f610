"""Values kept between generations: dearest per byte first, within a budget (GreedyDual-Size: Cao & Irani, 1997)."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

V = TypeVar("V")

#: What an entry costs beside its tensors, in bytes.
OVERHEAD = 1024


class Cache(Generic[V]):
    """Values by structural key; what it holds changes the time of an evaluation, never its result."""

    def __init__(self) -> None:
        self._entries: dict[bytes, tuple[float, V, int, float]] = {}
        self._heap: list[tuple[float, bytes]] = []
        self._clock = 0.0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: bytes) -> bool:
        return key in self._entries

    def put(self, key: bytes, value: V, size: int, cost: float) -> None:
        """Keeps a value of `size` bytes that costs `cost` to make again."""
        if key in self._entries:
            return
        size += OVERHEAD
        priority = self._clock + cost / size
        self._entries[key] = (priority, value, size, cost)
        heapq.heappush(self._heap, (priority, key))
        self.bytes += size

    def pop(self, key: bytes) -> tuple[V, float]:
        """Takes a value out, with its cost."""
        _, value, size, cost = self._entries.pop(key)
        self.bytes -= size
        return value, cost

    def shrink(self, limit: int) -> None:
        """Drops the values least worth their bytes until at most `limit` bytes remain."""
        while self.bytes > max(limit, 0) and self._entries:
            priority, key = heapq.heappop(self._heap)
            entry = self._entries.get(key)
            if entry is not None and entry[0] == priority:
                self._clock = priority
                self.pop(key)
        if len(self._heap) > 4 * len(self._entries) + 1000:
            self._heap = [(entry[0], key) for key, entry in self._entries.items()]
            heapq.heapify(self._heap)

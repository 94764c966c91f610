"""The journal of a search: one JSON line per batch of candidates, so that a killed search loses at most its last one.

Scores are written with every digit. A half-written last line is passed over, and what follows begins a new line.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import Any

from gpproxy.proxies.scored import DEAD, Scored
from gpproxy.proxies.scorer import Work
from gpproxy.proxies.size import Size
from gpproxy.run.reading import DAMAGED, typed

NAME = "candidates.jsonl"
#: Stands for the score of a dead network, which is no number in JSON.
MARK = "dead"
#: Seconds between two waits until everything is on disk.
SYNC = 1.0


class Journal:
    """Appends to a file. Use it as a context, or call `close`."""

    def __init__(self, path: Path):
        self._file: BufferedRandom = path.open("ab+")
        if self._file.tell() and self._file.seek(-1, os.SEEK_END) >= 0 and self._file.read(1) != b"\n":
            self._file.write(b"\n")  # a half line of a killed process must not swallow the next one
        self._synced = time.monotonic()

    def scored(self, candidates: Sequence[Scored], work: Work, seconds: float = 0.0) -> None:
        """Adds a batch of candidates and what they took; the seconds of the search so far where its time is limited."""
        spent = {"seconds": seconds} if seconds else {}
        self._write({"scored": [_row(candidate) for candidate in candidates], "work": asdict(work), **spent})

    def excluded(self, sizes: Sequence[tuple[str, Size]]) -> None:
        """Adds architectures that a limit on size has excluded."""
        self._write({"excluded": [[code, *size] for code, size in sizes]})

    def close(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, content: dict[str, Any]) -> None:
        self._file.write(json.dumps(content, allow_nan=False, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        if time.monotonic() - self._synced > SYNC:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()


class Memory:
    """What a journal says: read once, taken out as a resumed search comes by it again.

    Attributes:
        candidates: code -> candidate.
        sizes: code -> size, of excluded architectures.
        work: what the candidates took.
        seconds: of the search so far, where its time is limited.
    """

    def __init__(self) -> None:
        self.candidates: dict[str, Scored] = {}
        self.sizes: dict[str, Size] = {}
        self.work = Work()
        self.seconds = 0.0

    @classmethod
    def read(cls, path: Path) -> Memory:
        """The content of a journal; empty when there is none."""
        memory = cls()
        if not path.is_file():
            return memory
        with path.open("rb") as file:
            for line in file:
                try:
                    content = json.loads(line)
                    candidates = [typed(_candidate(row)) for row in content.get("scored", ())]
                    sizes = {str(row[0]): Size(*map(float, row[1:])) for row in content.get("excluded", ())}
                    work = typed(Work(**content.get("work", {})))
                    seconds = float(content.get("seconds", memory.seconds))
                    memory.work.add(work)
                except DAMAGED:
                    continue
                memory.candidates.update((candidate.code, candidate) for candidate in candidates)
                memory.sizes.update(sizes)
                memory.seconds = seconds
        return memory


def _row(candidate: Scored) -> list[Any]:
    return [
        candidate.code,
        [score if math.isfinite(score) else None if math.isnan(score) else MARK for score in candidate.scores],
        candidate.params,
        candidate.macs,
        None if math.isnan(candidate.latency) else candidate.latency,
        candidate.problem,
        candidate.slow,
        candidate.failed,
        [None if math.isnan(spread) else spread for spread in candidate.spreads],
    ]


def _candidate(row: Sequence[Any]) -> Scored:
    code, scores, params, macs, latency, problem, slow, *more = row  # version 0.1 wrote no more
    failed, spreads = more or (False, ())
    # Version 0.1 wrote nothing for every score of a dead network.
    missing = -math.inf if problem.startswith(DEAD) and MARK not in scores else math.nan
    return Scored(
        code,
        tuple(missing if score is None else -math.inf if score == MARK else float(score) for score in scores),
        float(params),
        float(macs),
        math.nan if latency is None else float(latency),
        problem,
        slow,
        failed,
        tuple(math.nan if spread is None else float(spread) for spread in spreads),
    )

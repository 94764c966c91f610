"""The trainings of a table, in the order in which they are run.

All trainings of an architecture stand together, so that a build that stops at any time leaves a table whose rows are
equally well measured, with a known agreement of seeds, over a part of the space that the plan has balanced. The longer
trainings come last, because the table is of use without them.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Seed of the longer trainings: one that no ordinary training has, so that both are independent.
LONG_SEED = 1000


@dataclass(frozen=True)
class Job:
    """One training of one architecture, `times` as long as an ordinary one."""

    code: str
    seed: int
    times: int = 1

    @property
    def name(self) -> str:
        """Name of its folder."""
        plain = re.sub("[^A-Za-z0-9_.-]", "_", self.code)
        if plain != self.code or len(plain) > 100:
            plain = f"{plain[:60]}-{hashlib.sha256(self.code.encode()).hexdigest()[:8]}"
        return f"{plain}-s{self.seed}" + (f"-x{self.times}" if self.times > 1 else "")

    def place(self, folder: Path) -> Path:
        """Its folder, in that of the build."""
        return folder / "trainings" / self.name


def jobs(
    codes: Sequence[str],
    trainings: int,
    longer: int = 0,
    times: int = 5,
    *,
    retested: Collection[str] = (),
    measured: Mapping[str, Collection[int]] | None = None,
) -> list[Job]:
    """Every training of `codes`, and then longer ones of the first `longer` of them.

    Args:
        retested: those that are trained once more than the others.
        measured: seeds with which the table has an architecture already; they count, whatever they are, and the rest
            gets the smallest others.
    """
    ordinary: list[Job] = []
    for code in codes:
        have, wanted = sorted((measured or {}).get(code, ())), trainings + (code in retested)
        new = (seed for seed in itertools.count() if seed not in have)
        ordinary += [Job(code, seed) for seed in (*have[:wanted], *itertools.islice(new, max(wanted - len(have), 0)))]
    return ordinary + [Job(code, LONG_SEED, times) for code in codes[:longer]]

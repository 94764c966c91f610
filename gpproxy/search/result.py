"""What a search found while its process lives: candidates in memory, ranked. Read back from a folder it is a
`gpproxy.search.finished.SearchRun`; both show themselves in a notebook by the same table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gpproxy.pictures.architecture import short
from gpproxy.proxies.scored import Scored, ScoredList
from gpproxy.report.render import table
from gpproxy.search.cost import Cost

#: Candidates that a notebook shows.
SHOWN = 5


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search found.

    Attributes:
        folder: where its files are.
        seen: every scored candidate, in the order of the search.
        ranked: indices from best to worst.
        value: combined score per candidate.
        cost: what it cost.
        finished: `budget`, `time`, `space` (nothing was left) or `rare` (hardly anything is within the limits).
    """

    folder: Path
    seen: ScoredList
    ranked: np.ndarray
    value: np.ndarray
    cost: Cost
    finished: str

    def __repr__(self) -> str:
        first = f", best {self.seen.codes[int(self.ranked[0])]}" if len(self.ranked) else ""
        return f"SearchResult({str(self.folder)!r}, {len(self.seen)} candidates{first})"

    def _repr_html_(self) -> str:
        """The best candidates, for a notebook."""
        rows = [(score, one.params, one.macs, one.code) for one, score in self.best(SHOWN)]
        return best_html(rows, len(self.seen))

    def best(self, count: int) -> list[tuple[Scored, float]]:
        """The best candidates with their scores."""
        return [(self.seen[int(i)], float(self.value[i])) for i in self.ranked[:count]]


def best_html(rows: Sequence[tuple[float, float, float, str]], candidates: int) -> str:
    """Score, parameters, MACs and code of the best candidates, the best first, as a piece of HTML for a notebook."""
    lines = [
        [str(rank), f"{score:.6g}", short(params), short(macs), code]
        for rank, (score, params, macs, code) in enumerate(rows, start=1)
    ]
    return table(("rank", "score", "params", "MACs", f"best of {candidates:,} architectures"), lines)

"""What a search found: its candidates in the order of the search and ranked. Read back from a folder with all that
belongs to it, it is a `gpproxy.search.finished.SearchRun`; both show themselves in a notebook by the same table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gpproxy.pictures.architecture import short
from gpproxy.proxies.scored import Scored
from gpproxy.report.render import table
from gpproxy.search.candidates import Candidates, Ranking
from gpproxy.search.cost import Cost

#: Candidates that a notebook shows.
SHOWN = 5


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search found. Its candidates lie in the folder and are read as they are asked for.

    Attributes:
        folder: where its files are.
        seen: every scored candidate, in the order of the search.
        ranking: the same from best to worst.
        cost: what it cost.
        finished: `budget`, `time`, `space` (nothing was left) or `rare` (hardly anything is within the limits).
    """

    folder: Path
    seen: Candidates
    ranking: Ranking
    cost: Cost
    finished: str

    def __repr__(self) -> str:
        first = f", best {self.ranking[0].architecture}" if self.ranking else ""
        return f"SearchResult({str(self.folder)!r}, {len(self.seen)} candidates{first})"

    def _repr_html_(self) -> str:
        """The best candidates, for a notebook."""
        rows = [(score, one.params, one.macs, one.code) for one, score in self.best(SHOWN)]
        return best_html(rows, len(self.seen))

    def best(self, count: int) -> list[tuple[Scored, float]]:
        """The best candidates with their scores."""
        return self.ranking.scored(count)


def best_html(rows: Sequence[tuple[float, float, float, str]], candidates: int) -> str:
    """Score, parameters, MACs and code of the best candidates, the best first, as a piece of HTML for a notebook."""
    lines = [
        [str(rank), f"{score:.6g}", short(params), short(macs), code]
        for rank, (score, params, macs, code) in enumerate(rows, start=1)
    ]
    return table(("rank", "score", "params", "MACs", f"best of {candidates:,} architectures"), lines)

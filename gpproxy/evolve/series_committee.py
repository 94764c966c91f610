"""The formulas of a series as one proxy: the folder of a series in, its committee in that folder out.

`committee.json` and `proxy.py` as `committee` has them, `split.json` with what any of the formulas has learnt from.
`Proxy.load` of the folder is the committee.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from gpproxy.benchmarks.split import LEARNT
from gpproxy.evolve.committee import committee_of, exported_committee
from gpproxy.evolve.result import Result
from gpproxy.evolve.scores import PICK, read_scores
from gpproxy.evolve.series import Series
from gpproxy.run.folder import COMMITTEE, SPLIT, RunFolder


def write_series_committee(
    folder: RunFolder,
    results: Sequence[Result],
    runs: Sequence[Path],
    series: dict[str, Series],
    tell: Callable[[str], None],
) -> None:
    """Writes the three files of a series; where proxy.py cannot be written, `tell` gets a sentence on why."""
    references = []
    for path in runs:
        known: list[float] = []
        for table in read_scores(path).values():
            kept = [i for i, part in enumerate(table.parts) if part in LEARNT and not bool(table.dead[i])]
            known += table.mean(PICK)[kept].tolist()
        references.append(known)
    folder.write_json(COMMITTEE, committee_of([result.formula for result in results], references))
    folder.write_json(SPLIT, _learnt(runs))
    rows = {"seeds": list(next(iter(series.values())).seeds), **_reached(series)}
    exported = partial(exported_committee, folder.path / COMMITTEE, rows)
    folder.write_or_tell("proxy.py", exported, tell, "proxy.py of the committee")


def _learnt(runs: Sequence[Path]) -> dict[str, Any]:
    """The splits of the runs as one: an architecture is tested where no formula has learnt from it."""
    splits = [RunFolder(path).read_json(SPLIT) for path in runs]
    found = {}
    for name, first in splits[0].items():
        parts: dict[str, list[str]] = {}
        taken: set[str] = set()
        for part in (*LEARNT, "test"):
            codes = sorted({code for split in splits for code in split[name][part]} - taken)
            parts[part] = codes
            taken |= set(codes)
        found[name] = {"space": first["space"], "settings": first["settings"], **parts}
    return found


def _reached(series: dict[str, Series]) -> dict[str, Any]:
    """What formula and committee reach, for the header of proxy.py."""
    rows: dict[str, Any] = {}
    for benchmark, one in series.items():
        for kind in ("formula", "committee"):
            row = next((row for row in one.rows if row.kind == kind), None)
            if row is not None:
                rows[f"{benchmark}: {row.title}, test kendall and spearman, mean over the splits"] = [
                    row.kendall.mean,
                    row.spearman.mean,
                ]
    return rows

"""The formulas of a series as one proxy: the folder of a series in, its committee in that folder out.

`committee.json` has each formula with its scores on what it has learnt from, `split.json` what any of them has learnt
from, `proxy.py` the whole as one file. `Proxy.load` of the folder is the committee.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from gpproxy.benchmarks.split import LEARNT
from gpproxy.evolve.result import Result
from gpproxy.evolve.scores import PICK, read_scores
from gpproxy.evolve.series import Series
from gpproxy.export.write import source
from gpproxy.proxies.proxy import Proxy
from gpproxy.run.folder import COMMITTEE, SPLIT, RunFolder
from gpproxy.search_spaces.check import make_space


def write_committee(
    folder: RunFolder,
    results: Sequence[Result],
    runs: Sequence[Path],
    series: dict[str, Series],
    tell: Callable[[str], None],
) -> None:
    """Writes the three files; where proxy.py cannot be written, `tell` gets a sentence on why."""
    members = []
    for result, path in zip(results, runs):
        reference: list[float] = []
        for table in read_scores(path).values():
            scores = table.mean(PICK)
            kept = [i for i, part in enumerate(table.parts) if part in LEARNT and not bool(table.dead[i])]
            reference += [float(score) for score in scores[kept] if bool(score.isfinite())]
        members.append({"formula": result.formula, "reference": sorted(reference)})
    folder.write_json(COMMITTEE, {"members": members})
    folder.write_json(SPLIT, _learnt(runs))
    exported = partial(_exported, folder.path, members, series)
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


def _exported(folder: Path, members: Sequence[dict[str, Any]], series: dict[str, Series]) -> str:
    """The text of proxy.py."""
    proxy = Proxy.load(str(folder))
    name, settings = proxy.spaces[0]
    space = make_space(name, dict(settings))
    rows: dict[str, Any] = {}
    for benchmark, one in series.items():
        for kind in ("formula", "committee"):
            row = next((row for row in one.rows if row.kind == kind), None)
            if row is not None:
                rows[f"{benchmark}: {row.title}, test kendall and spearman, mean over the splits"] = [
                    row.kendall.mean,
                    row.spearman.mean,
                ]
    return source(
        proxy.trees,
        references=[one["reference"] for one in members],
        space=name,
        seed=proxy.init_seed,
        samples=proxy.inputs,
        inits=proxy.inits,
        sizes=proxy.sizes,
        loss=space.loss,
        provenance={
            "benchmark": ",".join(proxy.benchmarks),
            "seeds": list(next(iter(series.values())).seeds),
            **rows,
            "space settings": asdict(space.settings),
        },
    )

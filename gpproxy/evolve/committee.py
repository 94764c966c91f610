"""Several formulas as one proxy: the mean of the ranks that they give.

In: the formulas with their scores on what they have learnt from. Out: `committee.json`, which has both and which
`Proxy.load` takes, and the whole as one file that needs torch alone. The three of one run that rank most differently
while they are nearly as good (`pick`) are its committee, judged on its test beside the formula; `series_committee` has
that of several runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gpproxy.evolve.part_scores import PartScores
from gpproxy.evolve.result import Result
from gpproxy.evolve.rivals import Rival
from gpproxy.export.write import source
from gpproxy.proxies.proxy import Proxy
from gpproxy.ranking.committee import votes
from gpproxy.run.folder import COMMITTEE, RunFolder
from gpproxy.search_spaces.check import make_space

#: Its name among the scores of a run, and among the rows of a comparison.
NAME = "committee"
#: The committee of a run as one file.
FILE = "committee.py"


def committee_of(formulas: Sequence[str], references: Sequence[Iterable[float]]) -> dict[str, Any]:
    """The content of `committee.json`.

    Args:
        references: the scores of each formula on what it has learnt from; NaN and infinities are left out.
    """
    finite = [sorted(float(score) for score in some if math.isfinite(score)) for some in references]
    return {"members": [{"formula": text, "reference": known} for text, known in zip(formulas, finite, strict=True)]}


def together(places: Sequence[int], references: Sequence[Tensor], views: Mapping[str, PartScores]) -> dict[str, Tensor]:
    """Part -> `initialisation x architecture`: mean vote of the formulas at these places; NaN where one has none."""
    return {
        part: torch.stack([votes(view.inits[:, n], known) for n, known in zip(places, references)]).mean(0)
        for part, view in views.items()
    }


def judged(
    formulas: Sequence[str], scores: Mapping[str, Tensor], views: Mapping[str, PartScores], own: Tensor
) -> Rival:
    """The committee in the form of a rival: its measures, and what the formula has over it on the test.

    Args:
        scores: part -> votes, `initialisation x architecture`.
        own: scores of the formula on the test.
    """
    means = {part: some.mean(0) for part, some in scores.items()}
    rows: dict[str, Any] = {part: views[part].metrics.measure(some) for part, some in means.items()}
    difference = views["test"].metrics.difference(own, means["test"])
    return Rival(NAME, "; ".join(formulas), 1, len(formulas), **rows, difference=difference)


def write_committee(folder: RunFolder, result: Result, committee: dict[str, Any], tell: Callable[[str], None]) -> None:
    """Writes the two files of a run; where that of code cannot be written, `tell` gets a sentence on why."""
    folder.write_json(COMMITTEE, committee)
    rows = {}
    for benchmark in result.benchmarks:
        if (rival := result.committee_of(benchmark)) is not None:
            told = [rival.test["kendall"], rival.test["spearman"]]
            rows[f"{benchmark}: committee, test kendall and spearman"] = told
    exported = partial(exported_committee, folder.path / COMMITTEE, rows)
    folder.write_or_tell(FILE, exported, tell)


def exported_committee(path: Path, rows: dict[str, Any]) -> str:
    """The text of the exported file of a `committee.json`; `rows` are told in its header."""
    proxy = Proxy.load(str(path))
    name, settings = proxy.spaces[0]
    space = make_space(name, dict(settings))
    return source(
        proxy.trees,
        references=[reference for _, reference in proxy.members],
        space=name,
        seed=proxy.init_seed,
        samples=proxy.inputs,
        inits=proxy.inits,
        sizes=proxy.sizes,
        loss=space.loss,
        provenance={"benchmark": ",".join(proxy.benchmarks), **rows, "space settings": asdict(space.settings)},
    )

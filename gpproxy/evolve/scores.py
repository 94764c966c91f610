"""Every score of a run on every architecture: `scores.csv` in its folder, one line per architecture.

In: what the end of a run has seen. Out: the file, and typed columns read back from it. Columns: benchmark,
architecture, class (architectures of one class are one network), part, dead, quality (as the run has it: higher is
better), `training 1` ... (as measured), then scores: `NAME #0`, `NAME #1` ... one for each initialisation, and `NAME`
alone where there is one. Only tested architectures have more than the first. Names: `pick`, `committee` where the run
has one, `front 1` ... in the order of front.json, `random 1` ..., `rival KIND` (see `rivals`; counted as learnt), and
every baseline in its published direction. A cell is empty where nothing is known.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gpproxy.errors import RunError
from gpproxy.ranking.correlation import rank_dead_last, steady
from gpproxy.run.folder import AGAIN
from gpproxy.run.reading import reading

#: Name of the file.
SCORES = "scores.csv"
#: Name of the chosen formula.
PICK = "pick"
_FIXED = ("benchmark", "architecture", "class", "part", "dead", "quality")


@dataclass(frozen=True, eq=False)
class RunScores:
    """The scores of one benchmark of a run.

    Attributes:
        benchmark: its name.
        architectures: codes, part by part.
        classes: functional class of each, named by its first architecture in alphabetical order.
        parts: `train`, `validation` or `test` of each.
        dead: `architecture`, bool.
        quality: `architecture`, higher is better.
        trainings: `architecture x training`, the metric as it was measured; NaN where there was none.
        columns: name -> `initialisation x architecture`, higher is better for all but descriptors; NaN is missing.
    """

    benchmark: str
    architectures: tuple[str, ...]
    classes: tuple[str, ...]
    parts: tuple[str, ...]
    dead: Tensor
    quality: Tensor
    trainings: Tensor
    columns: Mapping[str, Tensor]

    def __repr__(self) -> str:
        return f"RunScores({self.benchmark!r}, {len(self.architectures)} architectures, {len(self.columns)} scores)"

    def mean(self, name: str) -> Tensor:
        """`architecture`: the mean of a score over the initialisations of its part; NaN where one has none.

        Raises RunError for an unknown name.
        """
        if name not in self.columns:
            raise RunError(f"The scores of {self.benchmark} have no '{name}'; they have {', '.join(self.columns)}.")
        column = self.columns[name]
        found = torch.full((column.shape[1],), math.nan, dtype=column.dtype)
        for part in dict.fromkeys(self.parts):
            places = self.places(part)
            some = column[:, places]
            looked = ~some.isnan().all(1)  # what is learnt from is looked at once, and so is all but the test
            found[places] = some[looked].mean(0) if bool(looked.any()) else math.nan
        return found

    def ranked(self, name: str, places: Tensor) -> Tensor:
        """The mean score of some architectures as it ranks: dead and undefined ones at minus infinity."""
        scores = steady(self.mean(name))
        return rank_dead_last(scores, self.dead | scores.isnan())[places]

    def places(self, part: str) -> Tensor:
        """Positions of the architectures of a part."""
        return torch.tensor([i for i, one in enumerate(self.parts) if one == part], dtype=torch.long)


def to_csv(tables: Sequence[RunScores]) -> str:
    """The text of the file."""
    trainings = max((one.trainings.shape[1] for one in tables), default=0)
    shapes: dict[str, int] = {}
    for one in tables:
        for name, column in one.columns.items():
            shapes[name] = max(shapes.get(name, 0), len(column))
    names = [(name, i) for name, count in shapes.items() for i in range(count)]
    titles = [name if shapes[name] == 1 else f"{name} #{i}" for name, i in names]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_FIXED, *(f"training {i + 1}" for i in range(trainings)), *titles])
    for one in tables:
        for at, code in enumerate(one.architectures):
            measured = [*one.trainings[at].tolist(), *[math.nan] * (trainings - one.trainings.shape[1])]
            values = [
                float(one.columns[name][i, at]) if name in one.columns and i < len(one.columns[name]) else math.nan
                for name, i in names
            ]
            head = [one.benchmark, code, one.classes[at], one.parts[at], int(one.dead[at])]
            measured = [float(one.quality[at]), *measured]
            writer.writerow([*head, *map(_cell, [*measured, *values])])
    return text.getvalue()


def read_scores(folder: str | Path) -> dict[str, RunScores]:
    """The scores of a run by benchmark. Raises RunError where there are none, as in a folder of version 0.2.0."""
    path = Path(folder) / SCORES
    try:
        with reading(path, AGAIN), path.open(encoding="utf-8", newline="") as file:
            return _scores_of(path, list(csv.reader(file, strict=True)))
    except FileNotFoundError:
        raise RunError(
            f"{folder} has no {SCORES}: the run did not get that far, or an earlier version made it. Run it anew."
        ) from None


def _scores_of(path: Path, rows: list[list[str]]) -> dict[str, RunScores]:
    """The scores in the rows of a file, its head among them."""
    head, body = rows[0], rows[1:]
    if tuple(head[: len(_FIXED)]) != _FIXED:
        raise RunError(f"{path} does not begin with the columns {', '.join(_FIXED)}. Run it anew.")
    count = sum(bool(re.fullmatch(r"training \d+", title)) for title in head)
    found: dict[str, RunScores] = {}
    for name in dict.fromkeys(row[0] for row in body):
        some = [row for row in body if row[0] == name]
        values = torch.tensor([[_number(cell) for cell in row[5:]] for row in some], dtype=torch.float64)
        columns: dict[str, list[Tensor]] = {}
        for title, column in zip(head[6 + count :], values[:, 1 + count :].T):
            columns.setdefault(re.sub(r" #\d+$", "", title), []).append(column)
        trainings = values[:, 1 : 1 + count]
        found[name] = RunScores(
            name,
            tuple(row[1] for row in some),
            tuple(row[2] for row in some),
            tuple(row[3] for row in some),
            torch.tensor([row[4] == "1" for row in some]),
            values[:, 0],
            trainings[:, ~trainings.isnan().all(0)],
            {title: torch.stack(every) for title, every in columns.items() if not all(c.isnan().all() for c in every)},
        )
    return found


def _cell(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan

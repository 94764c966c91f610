"""Reader of NAS-Bench-Suite-Zero files: TransNAS-Bench-101 architectures with quality and published proxy scores.

In: `zc_transbench101_{macro,micro}.json`. Out: a Benchmark whose columns are the published scores (`suite_zero/nwot`).
Source: Duan et al. (2021) for the trainings, Krishnakumar et al. (2022) for the scores.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpproxy.benchmarks.benchmark import Benchmark, Card, open_space
from gpproxy.benchmarks.rows import Row, assemble
from gpproxy.errors import BenchmarkError, did_you_mean

#: What the files hold where a score was not finite.
SENTINEL = -1e8
KEY = re.compile(r"\((\d), (\d), (\d), (\d), (\d), (\d)\)")


#: Tasks of the files that generators were trained for, and what a card calls them. Both have the same networks, and
#: their qualities agree with Spearman .26 (micro) and .56 (macro) only.
TASKS = {"autoencoder": "autoencoding", "normal": "surface normals"}


def suite_zero_card(kind: str, task: str = "autoencoder") -> Card:
    """The card of the `macro` or `micro` table of a task."""
    uneven = (
        "The sample is not uniform: architectures with one stride-2 module are 23 % of the published rows and 13 % of "
        "the space, so correlations differ from those over the whole space."
    )
    twins = "Functionally identical architectures occur: some share one training, others were trained anew."
    return Card(
        space=f"transnas-{kind}",
        metric="val_accuracy",
        direction="higher",
        task=TASKS.get(task, task),
        data="Taskonomy mini, 256 px, validation split",
        recipe="L1 and adversarial loss, Adam 5e-4, 30 epochs, batch 128; SSIM of the last epoch",
        seeds=1,
        source="TransNAS-Bench-101 (Duan et al., 2021), as in NAS-Bench-Suite-Zero (Krishnakumar et al., 2022)",
        licence="Apache-2.0",
        notes=uneven if kind == "macro" else twins,
        prefix="suite_zero/",
    )


def read_suite_zero(
    path: str | Path, kind: str, task: str = "autoencoder", on_bad_rows: str = "refuse", name: str = ""
) -> Benchmark:
    """The Benchmark of one task of a file; `kind` is `macro` or `micro`.

    Raises BenchmarkError: a missing or broken file, an unknown task, bad rows. Row numbers count from 1.
    """
    path = Path(path).expanduser()
    if kind not in ("macro", "micro"):
        raise BenchmarkError(f"A NAS-Bench-Suite-Zero table is 'macro' or 'micro', not '{kind}'.")
    if not path.is_file():
        raise BenchmarkError(f"The table {path} is not there. {how_to_get(kind)}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_Table)
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"{path} is not readable JSON: {error}. {how_to_get(kind)}") from error
    if not isinstance(content, _Table) or not all(isinstance(table, _Table) for table in content.values()):
        raise BenchmarkError(f"{path} should map a task to its architectures, but does not. {how_to_get(kind)}")
    if task not in content:
        hint = did_you_mean(task, content)
        raise BenchmarkError(f"{path} has no task '{task}'.{hint} Its tasks: {', '.join(content)}.")
    card = suite_zero_card(kind, task)
    rows = _rows(content[task], kind, card.metric)
    return assemble(name or table_name(kind, task), card, open_space(card), rows, str(path), on_bad_rows)


def table_name(kind: str, task: str = "autoencoder") -> str:
    """`transnas-micro`, or `transnas-micro-normal` for another task than autoencoding."""
    return f"transnas-{kind}" if task == "autoencoder" else f"transnas-{kind}-{task}"


def how_to_get(kind: str) -> str:
    """One sentence on the public file."""
    return (
        f"The public file is naslib/data/zc_transbench101_{kind}.json of https://github.com/automl/NASLib "
        "(Apache-2.0, commit e5a821c2)."
    )


def code_of(key: str, kind: str) -> str:
    """`(4, 1, 3, 0, 0, 0)` -> `64-413-basic` (macro), `(1, 0, 0, 2, 1, 0)` -> `64-41414-1_00_210` (micro).

    Raises ValueError for a key of another form.
    """
    match = KEY.fullmatch(key)
    if not match:
        raise ValueError("the key is not six digits in brackets, as in (4, 1, 3, 0, 0, 0)")
    digits = "".join(match.groups())
    if kind == "macro":
        return f"64-{digits.rstrip('0')}-basic"
    return f"64-41414-{digits[0]}_{digits[1:3]}_{digits[3:]}"


class _Table(dict[str, Any]):
    """A JSON object that remembers keys which stand twice."""

    def __init__(self, pairs: list[tuple[str, Any]]):
        super().__init__(pairs)
        self.pairs = pairs


def _rows(table: _Table, kind: str, metric: str) -> Iterator[Row]:
    for number, (key, entry) in enumerate(table.pairs, start=1):
        try:
            code = code_of(key, kind)
            if not isinstance(entry, dict) or metric not in entry:
                raise ValueError(f"has no '{metric}'")
            scores = {n: _number(n, v["score"]) for n, v in entry.items() if isinstance(v, dict) and "score" in v}
            quality = _number(metric, entry[metric])
        except ValueError as error:
            yield Row(number, key, fault=str(error))
            continue
        yield Row(number, code, quality, columns={n: math.nan if v == SENTINEL else v for n, v in scores.items()})


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is {value!r}, not a number")
    return float(value)

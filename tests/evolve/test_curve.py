"""The learning curve: the same tests for every number of labels, fewer part of more; its page, table and CSV file."""

from __future__ import annotations

import csv
import html
from pathlib import Path

import pytest

from gpproxy.cli.report import main as report
from gpproxy.errors import ConfigError
from gpproxy.evolve import EvolveSettings, run_curve, run_seeds
from gpproxy.evolve.console import EvolveWatch
from gpproxy.evolve.curve import CURVE, TABLE, read_curve
from gpproxy.evolve.curve_table import curve_table, sentences
from gpproxy.evolve.scores import read_scores
from gpproxy.run.tables import capital
from tests.commands import small
from tests.report.test_render import check_page

FAST = {"generations": 1, "population": 12, "inits": 1, "proxies": "none", "random_draws": 1, "seeds": "0-1"}


class Generations(EvolveWatch):
    def __init__(self) -> None:
        self.seen = 0

    def progress(self, what: str, done: int, total: int) -> None:
        self.seen += what.endswith(": generations")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("curve") / "all"
    run_curve(small(path, **FAST, learning_curve="24,12"))
    return path


def test_fewer_labels_are_part_of_more_and_the_test_is_the_same(folder: Path) -> None:
    few, many = read_curve(folder)["fake"]
    assert (few.labels, many.labels) == (12, 24) and few.series.tested == many.series.tested
    for seed in range(2):
        tables = [read_scores(folder / f"labels-{n}" / f"s{seed}")["fake"] for n in (12, 24)]
        learnt, tested = (
            [{c for c, part in zip(t.architectures, t.parts) if (part == "test") == test} for t in tables]
            for test in (False, True)
        )
        assert len(learnt[0]) == 12 and learnt[0] < learnt[1] and tested[0] == tested[1]
    assert few.gain is None and many.gain is not None
    means = [point.series.row("formula").kendall.mean or 0.0 for point in (few, many)]
    assert many.gain.kendall == pytest.approx(means[1] - means[0])


def test_it_is_a_page_a_table_and_a_csv_file(folder: Path, tmp_path: Path) -> None:
    points = read_curve(folder)["fake"]
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert [tag for tag, _ in check_page(text).seen].count("svg") == 2
    assert all(capital(sentence) in html.unescape(text) for sentence in sentences(points))
    assert report([str(folder), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == text
    lines = [line.plain for line in curve_table(points, 80)]
    assert max(map(len, lines)) <= 80 and any("against the random formulas" in line for line in lines)
    with (folder / TABLE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    formula = [row for row in rows if row["row"] == "evolved formula"]
    assert [float(row["kendall_mean"]) for row in formula] == [
        point.series.row("formula").kendall.mean for point in points
    ]


def test_what_is_finished_is_not_made_again(folder: Path) -> None:
    from gpproxy.evolve.__main__ import main

    before = (folder / CURVE).read_bytes()
    (folder / CURVE).unlink()
    watch = Generations()
    run_curve(small(folder, **FAST, learning_curve="24,12"), watch)
    assert not watch.seen and (folder / CURVE).read_bytes() == before
    assert main(["--resume", str(folder)]) == 0 and (folder / CURVE).read_bytes() == before


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"learning_curve": "10,20"}, "Give --seeds"),
        ({"learning_curve": "10,20", "seeds": "0-1", "labels": 10}, "neither --labels"),
        ({"learning_curve": "10,x", "seeds": "0-1"}, "'x' is no number of labels"),
    ],
)
def test_it_takes_seeds_and_numbers(wrong: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        EvolveSettings(**wrong)


def test_labels_that_the_table_has_not_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="labels = 40, but 8 to 32 can be learnt from here.*Leave that number out"):
        run_curve(small(tmp_path / "x", **FAST, learning_curve="12,40"))
    assert not (tmp_path / "x").exists()
    with pytest.raises(ConfigError, match="run_curve"):
        run_seeds(small(tmp_path / "x", **FAST, learning_curve="12,24"))

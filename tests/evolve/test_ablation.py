"""The ablation: every row on the same tests, compared with the row before; what is finished is not made again."""

from __future__ import annotations

import html
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gpproxy.cli.report import main as report
from gpproxy.errors import ConfigError
from gpproxy.evolve import EvolveSettings, ablation, read_result, run_seeds
from gpproxy.evolve.ablation import ABLATION, PICTURE, read_ablation
from gpproxy.evolve.console import EvolveWatch
from gpproxy.evolve.scores import PICK, read_scores
from gpproxy.evolve.series import Series, SeriesRow, Spread
from gpproxy.evolve.series_table import ablation_table, order, sure_steps
from gpproxy.evolve.several import SeriesFolder
from gpproxy.proxies.proxy import Proxy
from gpproxy.ranking.correlation import kendall
from gpproxy.ranking.difference import Difference
from gpproxy.run.tables import capital
from tests.commands import small
from tests.report.test_render import check_page

FAST = {"generations": 1, "population": 12, "inits": 1, "proxies": "snip,nwot", "random_draws": 1, "seeds": "0-1"}


class Notes(EvolveWatch):
    def __init__(self) -> None:
        self.generations: list[int] = []

    def generation(self, generation, front, last) -> None:
        self.generations.append(generation.index)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ablation") / "all"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablation, "PARTS", ("islands",))  # the others are tested by their settings, and cost the same
        run_seeds(small(path, **FAST, ablation=True))
    return path


def test_rows_climb_from_descriptors_to_the_black_box(folder: Path) -> None:
    found = read_ablation(folder)["fake"]
    kinds = [row.kind for row in found.rows]
    expected = [
        "descriptor",
        "classical",
        "statistic",
        "composite",
        "random",
        "without islands",
        "formula",
        "black box",
    ]
    assert [kind for kind in kinds if kind != "ceiling"] == expected
    assert found.rows[0].difference is None
    for before, row in zip(found.rows, found.rows[1:]):
        if row.kind != "ceiling":
            assert row.difference is not None and row.of == 2
            assert row.difference.kendall == pytest.approx((row.kendall.mean or 0) - (before.kendall.mean or 0))


def test_each_row_is_what_its_runs_say(folder: Path) -> None:
    found = read_ablation(folder)["fake"]
    for at, name in enumerate(found.folders):
        for kind, run in (("formula", folder / name), ("without islands", folder / "without-islands" / name)):
            table = read_scores(run)["fake"]
            test = table.places("test")
            tau = float(kendall(table.ranked(PICK, test)[None], table.quality[test])[0])
            assert found.row(kind).kendall.values[at] == pytest.approx(tau)
            assert found.row(kind).names[at] == read_result(run).formula
        assert "islands" in EvolveSettings.from_toml(folder / "without-islands" / name / "config.toml").without


def test_it_is_a_series_a_proxy_a_table_and_a_picture(folder: Path) -> None:
    assert len(Proxy.load(str(folder)).members) == 2
    assert (folder / PICTURE).read_text().lstrip().startswith("<")
    text = "\n".join(line.plain for line in ablation_table(read_ablation(folder)["fake"], 80))
    assert "row − above" in text and "without islands" in text and "by mean τ: " in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_the_page_of_the_series_has_the_ladder(folder: Path, tmp_path: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    check_page(text)
    found = read_ablation(folder)["fake"]
    assert "What each part of the method is worth" in text and capital(order(found)) in html.unescape(text)
    assert capital(sure_steps(found)) in html.unescape(text) and "row − above, τ" in text
    assert report([str(folder), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == text


def test_steps_that_hold_are_told_from_those_that_do_not() -> None:
    def row(kind: str, tau: float, low: float | None) -> SeriesRow:
        edges = (low, None if low is None else low + 0.2)
        gap = None if low is None else Difference(9, low + 0.1, edges, low + 0.1, edges)
        return SeriesRow(kind, (), Spread.of([tau]), Spread.of([tau]), difference=gap)

    rows = [row("descriptor", 0.5, None), row("statistic", 0.3, -0.3), row("formula", 0.4, -0.1)]
    found = Series("t", (0,), ("s0",), (9,), tuple(rows))
    assert order(found) == "by mean τ: best single statistic .30 < evolved formula .40 < best descriptor .50."
    assert sure_steps(found) == (
        "by both ρ and τ, best single statistic is worse than best descriptor; not distinguishable from the row above "
        "by both: evolved formula."
    )
    assert sure_steps(replace(found, rows=(rows[0], rows[2]))).endswith("by both ρ and τ (1 compared).")


def test_what_is_finished_is_not_made_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablation, "PARTS", ("islands",))
    before = (folder / ABLATION).read_bytes()
    (folder / ABLATION).unlink()
    watch = Notes()
    run_seeds(small(folder, **FAST, ablation=True), watch, folder)
    assert not watch.generations and (folder / ABLATION).read_bytes() == before


def test_one_that_is_stopped_without_a_part_goes_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings of the folder are those of the whole method, which has a black box and proxies on all parts."""
    monkeypatch.setattr(ablation, "PARTS", ("islands",))
    path = tmp_path / "stopped"
    shutil.copytree(folder, path)
    for file in (path / ABLATION, *(path / "without-islands").glob("series.*")):
        file.unlink()
    last = path / "without-islands" / "s1"
    for file in last.iterdir():
        if file.name not in ("config.toml", "environment.json", "journal.jsonl", "state.json", "split.json"):
            file.unlink()
    run_seeds(SeriesFolder.open(path).continued(), Notes(), path)
    assert (last / "front.json").read_bytes() == (folder / "without-islands" / "s1" / "front.json").read_bytes()
    assert (path / ABLATION).read_bytes() == (folder / ABLATION).read_bytes()


@pytest.mark.parametrize("wrong", [{"ablation": True}, {"ablation": True, "seeds": "0-1", "without": ("islands",)}])
def test_it_takes_seeds_and_the_whole_method(wrong: dict) -> None:
    with pytest.raises(ConfigError, match="Give --seeds, such as 0-9, and no --without"):
        EvolveSettings(**wrong)

"""The page of a search, and searches read back into objects."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpproxy.cli.report import main
from gpproxy.errors import RunError
from gpproxy.report.document import Beside, Figure, Raster, Table
from gpproxy.search import SearchSettings, resume, run
from gpproxy.search.candidates import Ranking
from gpproxy.search.contenders import Line
from gpproxy.search.finished import SearchRun, read_run
from gpproxy.search.page import _trained, document, sections
from gpproxy.search.store import NAME as STORE
from gpproxy.search.store import Store
from gpproxy.training.grid import write_grid
from gpproxy.training.outcome import Check, Outcome, write_outcome
from tests.commands import FAKE
from tests.report.test_render import check_page, render
from tests.search.setups import candidate, store_of


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> SearchRun:
    folder = tmp_path_factory.mktemp("searches") / "s"
    proxy = "sum_layers(std(activation)) - total_params"
    run(SearchSettings(space="fake", proxy=(proxy,), budget=20, plugins=(FAKE,), workers=1, top=2, max_params=5000,
                       out=str(folder)))  # fmt: skip
    return read_run(folder)


def test_a_search_writes_its_page(finished: SearchRun, tmp_path: Path) -> None:
    text = (finished.folder / "report.html").read_text(encoding="utf-8")
    check_page(text)
    for title in ("What ranked them", "Score against cost", "The best", "To repeat it"):
        assert title in text
    assert text.count("<img") >= 2 and "params at most 5k" in text and "Once trained" not in text
    assert main([str(finished.folder), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == text


def test_a_search_is_read_back(finished: SearchRun) -> None:
    assert [one.rank for one in finished.candidates] == list(range(1, 21)) and finished.told
    scores = [one.score for one in finished.candidates if math.isfinite(one.score)]
    assert scores == sorted(scores, reverse=True)
    assert finished.candidates[0].architecture in repr(finished) and len(repr(finished)) < 300
    with pytest.raises(RunError, match="no run folder"):
        read_run(finished.folder.parent)


def test_candidates_are_read_as_they_are_asked_for(finished: SearchRun, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(finished.candidates)
    assert finished.candidates[:3] == whole[:3] and finished.candidates[-1].rank == len(finished.candidates) == 20
    assert finished.candidates[10:2:-4] == [whole[10], whole[6]] and repr(finished.candidates).startswith("Ranking(20 ")
    with pytest.raises(IndexError):
        finished.candidates[20]
    asked = []
    by_rank = Store.by_rank
    monkeypatch.setattr(Store, "by_rank", lambda self, first, count: asked.append(count) or by_rank(self, first, count))
    _ = finished.candidates[4], finished.candidates[:3]
    assert asked == [1, 3]


def test_a_folder_without_a_store_is_read_from_its_table(finished: SearchRun, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(finished.folder, old)
    (old / STORE).unlink()
    assert repr(list(read_run(old).candidates)) == repr(list(finished.candidates))
    assert list(sections(read_run(old), "x"))[1:3] == list(sections(finished, "x"))[1:3]
    (old / "ranking.csv").write_text("rank,architecture,score,params,macs,problem\n1,a,x,1,1,\n")
    with pytest.raises(RunError, match="ranking.csv is damaged: could not convert string to float"):
        read_run(old)
    (old / "ranking.csv").unlink()
    with pytest.raises(RunError, match="no ranking.csv"):
        read_run(old)


def test_an_unfinished_search_of_an_older_version_is_refused(finished: SearchRun, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(finished.folder, old)
    (old / STORE).rename(old / "candidates.jsonl")
    with pytest.raises(RunError, match="candidates.jsonl is the journal of gpproxy 0.2.0.*search anew"):
        resume(old)
    assert len(read_run(old).candidates) == 20


def test_a_cloud_is_bounded_and_spread_over_the_ranking() -> None:
    store = store_of(*(candidate(f"c{i}", float(i % 97), macs=float(i * 7919 % 1000)) for i in range(1000)))
    store.rank()
    ranking = Ranking(store)
    few, whole = ranking.cloud("macs", 100, 5), ranking.cloud("macs", 5000, 5)
    assert 50 <= len(few.dots) <= 100 and len(whole.dots) == few.count == 1000
    assert (few.edge, few.best) == (whole.edge, whole.best) and few.label == f"{len(few.dots)} of 1,000 candidates"
    scores = [score for _, score in few.dots]
    assert scores == sorted(scores, reverse=True) and abs(sum(scores) / len(scores) - 48) < 3
    best, cheapest = max(score for _, score in whole.dots), min(cost for cost, _ in whole.dots)
    assert few.edge[-1][1] == best and few.edge[0][0] == cheapest


def test_trained_winners_stand_beside_their_contestants(finished: SearchRun) -> None:
    lines = (Line("proxy", "a", 1, 2, 0, 10.0, 9.0, 11.0, 100.0, 1e6), Line("random", "", 3, 3, 1, 12.0, 8.0, 16.0))
    trained = SearchRun(**{**vars(finished), "compared": lines})
    titles = [section.title for section in sections(trained, "x")]
    text = render(document([trained, finished]))
    check_page(text)
    assert "Once trained" in titles and "12 [8, 16]" in text and "2 searches" in text
    assert "Not compared" in text and "has measured none of its best" in text


def test_winners_of_several_searches_stand_beside_each_other(finished: SearchRun) -> None:
    runs = []
    for strategy, values in (("random", (10.0, 12.0)), ("evolution", (7.0, 8.0))):
        lines = tuple(Line("proxy", f"{strategy}{v:g}", 1, 2, 0, v, math.nan, math.nan, 1.0, 1.0) for v in values)
        settings = replace(finished.settings, strategy=strategy)  # type: ignore[arg-type]
        runs.append(SearchRun(**{**vars(finished), "settings": settings, "compared": lines}))
    (together, *_) = document(runs).parts["Side by side"]
    figure, table = together.blocks
    assert isinstance(figure, Figure) and isinstance(table, Table) and "over architectures" in figure.caption
    assert [row[0].partition(",")[0] for row in table.rows] == ["random", "evolution"]
    assert table.rows[1][-3:] == ["evolution7 7", "3.5 [-3.419, 10.42]", "not distinguishable"]
    check_page(render(document(runs)))


def test_the_curves_of_trainings_are_drawn(finished: SearchRun, tmp_path: Path) -> None:
    line = (Line("proxy", "a", 1, 1, 0, 20.0, 19.0, 21.0, 100.0, 1e6),)
    made = SearchRun(**{**vars(finished), "folder": tmp_path, "compared": line})
    place = tmp_path / "trained" / "a-s0"
    place.mkdir(parents=True)
    curve = tuple(Check(step, {"FD": value}) for step, value in ((100, 40.0), (200, 20.0), (300, 25.0)))
    write_outcome(place, Outcome("finished", "", 300, 300, 9.0, "FD", curve, {}))
    *_, figure = _trained(made, "x")
    assert isinstance(figure, Figure)
    assert "proxy: a-s0 is 20 at best" in figure.alt and "FD at every check" in figure.caption
    write_grid(place / "samples_000200.png", torch.zeros(2, 2, 3, 8, 8, dtype=torch.uint8))
    *_, beside = _trained(made, "x")
    assert isinstance(beside, Beside) and isinstance(beside.blocks[1], Raster)
    assert "Images of proxy: a-s0 after 200 steps" in beside.blocks[1].alt

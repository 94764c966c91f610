"""The page of a search, and searches read back into objects."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from gpproxy.cli.report import main
from gpproxy.errors import RunError
from gpproxy.report.document import Beside, Figure, Raster
from gpproxy.search import SearchSettings, run
from gpproxy.search.compare import Line
from gpproxy.search.finished import SearchRun, read_run
from gpproxy.search.page import _trained, document, sections
from gpproxy.training.grid import write_grid
from gpproxy.training.outcome import Check, Outcome, write_outcome
from tests.commands import FAKE
from tests.report.test_render import check_page, render


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
    assert text.count("<img") >= 2 and "params at most 5,000" in text and "Once trained" not in text
    assert main([str(finished.folder), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == text


def test_a_search_is_read_back(finished: SearchRun) -> None:
    assert [one.rank for one in finished.candidates] == list(range(1, 21)) and finished.told
    scores = [one.score for one in finished.candidates if math.isfinite(one.score)]
    assert scores == sorted(scores, reverse=True)
    assert finished.candidates[0].architecture in repr(finished) and len(repr(finished)) < 300
    with pytest.raises(RunError, match="no run folder"):
        read_run(finished.folder.parent)


def test_trained_winners_stand_beside_their_contestants(finished: SearchRun) -> None:
    lines = (Line("proxy", "a", 1, 2, 0, 10.0, 9.0, 11.0, 100.0, 1e6), Line("random", "", 3, 3, 1, 12.0, 8.0, 16.0))
    trained = SearchRun(**{**vars(finished), "compared": lines})
    titles = [section.title for section in sections(trained, "x")]
    text = render(document([trained, finished]))
    check_page(text)
    assert "Once trained" in titles and "12 [8, 16]" in text and "2 searches" in text


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

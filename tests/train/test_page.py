"""The page of a training, and trainings read back into objects."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from gpproxy.cli.report import main
from gpproxy.errors import RunError
from gpproxy.report.document import Figure, Text
from gpproxy.report.render import render
from gpproxy.train import run
from gpproxy.train.finished import FinishedTraining, read_run
from gpproxy.train.page import _losses, curves, document
from gpproxy.training.outcome import OUTCOME, Check, Outcome
from tests.report.test_render import check_page
from tests.train.test_train import config, pixels  # noqa: F401  registers an extractor


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, pixels: None) -> FinishedTraining:  # noqa: F811
    folder = tmp_path_factory.mktemp("trainings") / "t"
    run(config(folder, extractor="pixels", samples=20))
    return read_run(folder)


def ended(values: dict[int, float], verdict: str = "finished", reason: str = "") -> Outcome:
    curve = tuple(Check(step, {"FD": value}) for step, value in values.items())
    return Outcome(verdict, reason, max(values), 300, 9.0, "FD", curve, {})


def test_a_training_writes_its_page(finished: FinishedTraining, tmp_path: Path) -> None:
    text = (finished.folder / "report.html").read_text(encoding="utf-8")
    page = check_page(text)
    for title in ("How it ended", "Curves and images", "Every measure", "What was trained", "To repeat it"):
        assert title in text
    assert "Finished after 8 of 8 steps" in text and f"FD(pixels) {finished.outcome.value:.4g}" in text
    assert [tag for tag, _ in page.seen].count("svg") == 2 and "data:image/jpeg" in text and "real against real" in text
    assert "FD: Fréchet distance of features ↓; KID:" in text and "; SWD: sliced" in text
    assert main([str(finished.folder), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == text
    both = render(document([finished, finished]))
    check_page(both)
    assert "2 trainings" in both and "Side by side" in both


def test_a_training_is_read_back(finished: FinishedTraining, tmp_path: Path) -> None:
    assert finished.quality is not None and finished.grid is not None
    assert finished.quality.main[1] == pytest.approx(finished.outcome.value, rel=1e-3)
    assert [step for step, _ in finished.losses] == sorted(step for step, _ in finished.losses)
    assert all({"discriminator", "generator"} <= set(losses) for _, losses in finished.losses)
    shutil.copytree(finished.folder, tmp_path / "half")
    (tmp_path / "half" / OUTCOME).unlink()
    with pytest.raises(RunError, match="not over.*--resume"):
        read_run(tmp_path / "half")


def test_curves_tell_the_best_of_each_training() -> None:
    drawn = curves({"a": ended({100: 40.0, 200: 20.0, 300: 25.0}), "b": ended({100: math.nan})}, "x")
    assert isinstance(drawn, Figure) and drawn.alt.endswith("1 training: a is 20 at best")
    assert isinstance(curves({"b": ended({100: 3.0})}, "x"), Text)


def test_a_collapse_is_told_and_long_journals_are_thinned(finished: FinishedTraining) -> None:
    fallen = ended({100: 40.0}, "collapsed", "All images are alike.")
    losses = tuple((step, {"generator": float(step)}) for step in range(1, 1001))
    made = FinishedTraining(**{**vars(finished), "outcome": fallen, "losses": losses})
    text = render(document([made]))
    assert 'class="call bad"' in text and "Collapsed after 100 of 300 steps" in text and "All images are alike." in text
    (figure,) = _losses(made, "x")
    assert isinstance(figure, Figure) and "means of 7 steps" in figure.caption and "generator ends at 998" in figure.alt

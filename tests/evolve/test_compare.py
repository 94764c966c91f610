"""Runs beside each other: on what neither has learnt from."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpproxy.__main__ import main
from gpproxy.errors import RunError
from gpproxy.evolve import run
from gpproxy.evolve.compare import compare
from gpproxy.evolve.scores import read_scores
from gpproxy.run.command import guarded
from tests.commands import small


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "other"
    run(small(path, generations=0, random_search=False, proxies="none", population=8, seed=5))
    return path


def test_two_runs_are_compared_where_neither_has_learnt(small_run: Path, other: Path) -> None:
    first, second = compare([small_run, other])["fake"]
    assert first.difference is None and list(second.formulas) == [5]
    tests = []
    for folder in (small_run, other):
        scores = read_scores(folder)["fake"]
        tests.append({code for code, part in zip(scores.architectures, scores.parts) if part == "test"})
    assert second.difference is not None
    assert second.difference.n <= len(tests[0] & tests[1]) < len(tests[0])
    same = compare([small_run, small_run])["fake"][1].difference
    assert same is not None and same.kendall == 0 and same.words == "not distinguishable"


def test_the_command_prints_them(small_run: Path, other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(small_run), str(other)]) == 0
    said = capsys.readouterr().out
    assert f"{small_run.name} − this, on " in said and "(1 seed)" in said
    assert guarded(main, ["compare", str(small_run)]) == 1
    assert "two or more runs" in capsys.readouterr().err


def test_a_folder_that_is_none_is_refused(small_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run folder"):
        compare([small_run, tmp_path])

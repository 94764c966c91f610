"""scores.csv is written, read back, and holds what the result says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gpproxy.errors import RunError
from gpproxy.evolve import read_result
from gpproxy.evolve.scores import RunScores, read_scores, to_csv
from gpproxy.ranking.correlation import kendall


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    nan = torch.nan
    first = RunScores(
        "a",
        ("x", "y"),
        ("x", "x"),
        ("train", "test"),
        torch.tensor([False, True]),
        torch.tensor([0.1, 1 / 3], dtype=torch.float64),
        torch.tensor([[3.0, nan], [1.0, 2.0]], dtype=torch.float64),
        {
            "pick": torch.tensor([[1.0, nan], [0.5, 2.0]], dtype=torch.float64),
            "depth": torch.tensor([[3.0, 4.0]]).double(),
        },
    )
    second = RunScores(
        "b",
        ("x",),
        ("x",),
        ("validation",),
        torch.tensor([False]),
        torch.tensor([2.0]).double(),
        torch.tensor([[7.0]]).double(),
        {"pick": torch.tensor([[1e-300], [-0.0]]).double(), "published/p": torch.tensor([[1.0]]).double()},
    )
    (tmp_path / "scores.csv").write_text(to_csv([first, second]))
    read = read_scores(tmp_path)
    assert list(read) == ["a", "b"]
    for made, found in zip((first, second), read.values()):
        assert (made.architectures, made.parts) == (found.architectures, found.parts)
        assert torch.equal(made.dead, found.dead) and torch.equal(made.quality, found.quality)
        torch.testing.assert_close(made.trainings, found.trainings, equal_nan=True, rtol=0, atol=0)
        assert set(made.columns) == set(found.columns)
        for name, column in made.columns.items():
            torch.testing.assert_close(column, found.columns[name], equal_nan=True, rtol=0, atol=0)
    with pytest.raises(RunError, match="have no 'nwot'; they have pick, depth"):
        read["a"].mean("nwot")


def test_the_scores_of_a_run_give_its_figures(small_run: Path) -> None:
    scores, result = read_scores(small_run)["fake"], read_result(small_run)
    test = scores.places("test")
    assert len(test) == result.test["n"] and scores.columns["pick"].shape[0] == 2
    assert float(kendall(scores.ranked("pick", test), scores.quality[test])) == pytest.approx(result.test["kendall"])
    for place, entry in enumerate(result.front):
        values = scores.ranked(f"front {place + 1}", test)
        assert float(kendall(values, scores.quality[test])) == pytest.approx(entry.test["kendall"])
    for rival in result.rivals_of("fake"):
        values = scores.ranked(f"rival {rival.kind}", test)
        assert float(kendall(values, scores.quality[test])) == pytest.approx(rival.test["kendall"])
    assert {"params", "macs", "depth"} <= set(scores.columns) and scores.columns["params"].shape[0] == 1


def test_a_folder_without_scores_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has no scores.csv: .* Run it anew"):
        read_scores(tmp_path)

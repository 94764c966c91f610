"""Searches beside each other: means and differences against SciPy, and who belongs together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from scipy import stats

from gpproxy.cli.compare import search_lines
from gpproxy.errors import ConfigError, RunError
from gpproxy.ranking.difference import EQUAL
from gpproxy.search import compare as module
from gpproxy.search.contenders import Line
from gpproxy.search.settings import SearchSettings


@dataclass(frozen=True)
class Run:
    """What is read of a finished search."""

    folder: Path
    settings: SearchSettings
    compared: tuple[Line, ...]
    candidates: range = range(100)


def search(seed: int, values: Sequence[float], random: Sequence[float] = (), **changes: object) -> Run:
    settings = SearchSettings(proxy=("params",), space="autogan", seed=seed, train_top=2, **changes)  # type: ignore[arg-type]
    kind = settings.estimator_kind
    lines = [Line(kind, f"{kind}-{seed}-{i}", 1, 2, 0, value, math.nan, math.nan) for i, value in enumerate(values)]
    lines += [Line("random", f"random-{seed}-{i}", 1, 2, 0, v, math.nan, math.nan) for i, v in enumerate(random)]
    mean = Line(kind, "", len(values), 2, 0, math.nan, math.nan, math.nan)
    return Run(Path(f"/s{seed}-{settings.strategy}"), settings, (mean, *lines) if lines else ())


def compared(monkeypatch: pytest.MonkeyPatch, *runs: Run) -> module.Comparison:
    known = {str(run.folder): run for run in runs}
    monkeypatch.setattr(module, "read_run", lambda folder: known[str(folder)])
    return module.compare(list(known))


def test_seeds_of_a_search_belong_together_and_count_one_each(monkeypatch: pytest.MonkeyPatch) -> None:
    first = [search(seed, (8.0 + seed, 9.0 + seed), (20.0, 30.0 + seed), strategy="evolution") for seed in range(3)]
    other = [search(seed, (11.0, 13.0 + seed)) for seed in range(3)]
    found = compared(monkeypatch, *first, *other)
    evolution, chance, random = found.rows
    assert found.over == "searches" and (evolution.searches, evolution.architectures) == (3, 6)
    assert (evolution.label, chance.label, random.label) == ("evolution, params", "random, params", "random")
    assert evolution.values == (8.5, 9.5, 10.5) and evolution.best == ("proxy-0-0", 8.0)
    assert chance.values == (12.0, 12.5, 13.0) and random.values == (25.0, 25.5, 26.0)
    half = stats.t.ppf(0.975, 2) * stats.sem(evolution.values)
    assert (evolution.mean, evolution.low, evolution.high) == pytest.approx((9.5, 9.5 - half, 9.5 + half))
    welch = stats.ttest_ind(evolution.values, chance.values, equal_var=False).confidence_interval()
    assert chance.less == pytest.approx((-3.0, welch.low, welch.high)) and chance.words == "better"
    assert evolution.less is None and random.candidates == 0


def test_a_way_tried_once_is_compared_by_its_architectures(monkeypatch: pytest.MonkeyPatch) -> None:
    found = compared(monkeypatch, search(0, (8.0, 12.0)), search(1, (9.0, 11.0), strategy="evolution"))
    assert found.over == "architectures" and found.rows[1].values == (9.0, 11.0)
    assert found.rows[1].words == EQUAL and found.rows[1].less is not None and found.rows[1].less[0] == 0
    single = compared(monkeypatch, search(0, (8.0, 12.0)), search(1, (9.0,), strategy="evolution"))
    assert math.isnan(single.rows[1].low) and single.rows[1].words == "one value is no comparison"


def test_equal_names_tell_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    more = search(1, (9.0, 11.0), budget=50)
    names = [row.label for row in compared(monkeypatch, search(0, (8.0, 12.0)), more).rows]
    assert names == ["random, params, budget=1000", "random, params, budget=50"]
    inside = [
        search(seed, (9.0,), space_settings=("latent=128", *more)) for seed, more in enumerate(((), ("width=32",)))
    ]
    names = [row.label for row in compared(monkeypatch, *inside).rows]
    assert names == ["random, params", "random, params, space_settings=width=32"]


def test_what_was_trained_beside_several_searches_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [search(seed, (8.0, 9.0 + seed)) for seed in range(2)]
    named = Line("autogan-a", "a", 1, 2, 0, 11.0, math.nan, math.nan)
    runs = [Run(run.folder, run.settings, (*run.compared, named)) for run in runs]
    row = compared(monkeypatch, *runs).rows[-1]
    assert (row.label, row.values, row.architectures) == ("autogan-a", (11.0,), 1)


def test_trainings_by_two_recipes_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="s0-random has recipe=short and s1-random has recipe=autogan"):
        compared(monkeypatch, search(0, (8.0,)), search(1, (9.0,), recipe="autogan"))
    with pytest.raises(RunError, match=r"none of its best.*--resume /s1-random --train-top 3"):
        compared(monkeypatch, search(0, (8.0,)), search(1, ()))


def test_settings_of_the_space_may_be_given_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = search(1, (9.0, 11.0), strategy="evolution", space_settings=("width=32", "resolution=32"))
    plain, wide = search(0, (8.0, 12.0)), search(1, (9.0,), space_settings=("width=64",))
    assert len(compared(monkeypatch, plain, whole).rows) == 2
    with pytest.raises(ConfigError, match="s0-random has width=32 and s1-random has width=64"):
        compared(monkeypatch, plain, wide)


def test_lines_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = compared(monkeypatch, search(0, (8.0, 12.0), (20.0, 21.0)), search(1, (9.0, 11.0), strategy="evolution"))
    told = list(search_lines(found))
    assert told[0] == "quality after training, lower is better; mean [95 %] over architectures"
    assert told[1].startswith(
        "  random, params: 10 [-15.41, 35.41], best 8 proxy-0-0 (1 search, 100 candidates each, 2 "
    )
    assert told[3].startswith("    random, params − this: 0 [") and told[3].endswith(EQUAL)
    assert "(2 architectures trained beside them)" in told[4]

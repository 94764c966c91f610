"""The page of a run, what it advises, and runs read back into objects."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from gpproxy.cli.report import main, runs_of
from gpproxy.errors import ConfigError, RunError
from gpproxy.evolve import page_figures as figures
from gpproxy.evolve import run
from gpproxy.evolve.advice import advise
from gpproxy.evolve.convergence import best_formulas
from gpproxy.evolve.finished import EvolveRun, read_run
from gpproxy.evolve.page import document
from gpproxy.ranking.correlation import kendall, rank_dead_last, steady
from gpproxy.ranking.difference import Difference
from gpproxy.report.render import render
from tests.commands import small
from tests.report.test_render import check_page


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> EvolveRun:
    folder = tmp_path_factory.mktemp("runs") / "page"
    run(small(folder, random_draws=1, proxies="synflow,snip"))
    return read_run(folder)


def test_a_run_writes_its_page(finished: EvolveRun) -> None:
    text = (finished.folder / "report.html").read_text(encoding="utf-8")
    page = check_page(text)
    assert [tag for tag, _ in page.seen].count("svg") >= 4 and "<math" in text
    for title in ("Is it worth using?", "The formula", "Score against measured quality", "Against what",
                  "Along the front",
                  "What each term is worth", "More than its size?", "Convergence",
                  "Which layers say it", "On other tables",
                  "To repeat it"):  # fmt: skip
        assert title in text
    assert "Quality is quality, higher is better, after this training: none at all." in text
    assert text.index("Score against measured") < text.index("Against what") < text.index("Convergence")


def test_a_run_is_read_back(finished: EvolveRun) -> None:
    assert [step.index for step in finished.steps] == list(range(5))
    assert all(step.front and step.front[0]["formula"] for step in finished.steps)
    assert finished.result.front[-1].test["n"] == finished.result.test["n"]
    for row in finished.result.benchmarks["fake"]["terms"]:
        assert row["term"] and -1 <= row["test"]["kendall"] <= 1 and row["difference"]["n"] == row["test"]["n"]
    assert set(finished.scores) == {"fake"} and finished.settings.benchmark == "fake"
    with pytest.raises(RunError, match="no run folder"):
        read_run(finished.folder.parent)


def test_the_convergence_has_the_test_afterwards(finished: EvolveRun) -> None:
    rows = finished.result.benchmarks["fake"]["convergence"]
    best = {step.index: step.formula for step in finished.steps}
    assert rows[0]["generation"] == 0 and len({row["formula"] for row in rows}) == len(rows)
    assert all(best[row["generation"]] == row["formula"] for row in rows)
    scores = finished.scores["fake"]
    test = scores.places("test")
    kept = {entry.formula: place for place, entry in enumerate(finished.result.front, 1)}
    for row in rows:  # what stands on the front, too, has the same score there
        if row["formula"] in kept:
            column = steady(scores.columns[f"front {kept[row['formula']]}"][0, test])
            tau = kendall(rank_dead_last(column, scores.dead[test] | column.isnan()), scores.quality[test])
            assert row["kendall"] == pytest.approx(float(tau))
    assert rows[-1]["formula"] in kept
    (figure,) = figures.convergence(finished, "x")
    assert "read afterwards" in figure.alt and "had been chosen" in figure.caption
    old = {k: v for k, v in finished.result.benchmarks["fake"].items() if k != "convergence"}
    before = dataclasses.replace(finished, result=dataclasses.replace(finished.result, benchmarks={"fake": old}))
    (figure,) = figures.convergence(before, "x")
    assert "read afterwards" not in figure.alt and "was not kept by the version" in figure.caption


def test_a_generation_made_again_counts_as_it_was_last() -> None:
    events = [
        {"event": "generation", "index": i, "best": best} for i, best in ((0, None), (1, "a"), (2, "b"), (2, "a"))
    ]
    assert best_formulas([{"event": "started"}, *events, {"event": "generation", "index": 3, "best": "c"}]) == {
        1: "a",
        3: "c",
    }


def test_the_command_writes_one_or_several(
    finished: EvolveRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([str(finished.folder), "--out", "one.html"]) == 0
    assert (tmp_path / "one.html").read_text("utf-8") == (finished.folder / "report.html").read_text("utf-8")
    assert main([str(finished.folder)] * 2) == 0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    check_page(text)
    assert "Side by side" in text
    assert main([]) == 1 and "usage" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="Did you mean '--out'"):
        main([str(finished.folder), "--ou"])


def test_the_runs_of_a_series_are_in_the_order_of_their_seeds(tmp_path: Path) -> None:
    for seed in (10, 2):
        (tmp_path / f"s{seed}").mkdir()
        (tmp_path / f"s{seed}" / "result.json").write_text("{}")
    assert [path.name for path in runs_of(tmp_path)] == ["s2", "s10"]


def changed(
    found: EvolveRun, low: float, gap: float, confounded: float = 0.5, classical: float = 0.0, by_rho: float = 0.0
) -> EvolveRun:
    """The run with another test: lower edge of τ, differences to all rivals in τ, ρ with the first descriptor, τ of the
    classical proxies, and what the differences in ρ are more."""
    rows: dict[str, Any] = dict(found.result.benchmarks["fake"])
    rows["baselines"] = {
        name: {**one, "test": {**one["test"], "kendall": classical}} if one["kind"] == "classical" else one
        for name, one in rows["baselines"].items()
    }
    rows["test"] = {**rows["test"], "kendall": low + 0.2, "kendall_interval": [low, low + 0.4]}
    rho = gap + by_rho
    told = Difference(9, gap, (gap - 0.1, gap + 0.1), rho, (rho - 0.1, rho + 0.1)).to_json()
    rows["rivals"] = [{**rival, "difference": told} for rival in rows["rivals"]]
    first = {**rows["confounders"][0], "spearman": confounded, "flagged": abs(confounded) >= 0.95}
    rows["confounders"] = [first, *({**one, "spearman": 0.1, "flagged": False} for one in rows["confounders"][1:])]
    result = dataclasses.replace(found.result, benchmarks={"fake": rows})
    return dataclasses.replace(found, result=result)


@pytest.mark.parametrize(
    ("low", "gap", "confounded", "tone", "words"),
    [
        (-0.1, 0.3, 0.5, "bad", "not shown to rank"),
        (0.2, 0.0, 0.5, "bad", "not shown to be better than"),
        (0.2, 0.0, 0.97, "bad", "in disguise"),
        (0.2, 0.3, 0.97, "care", "adds little"),
        (0.2, 0.3, 0.5, "good", "Worth using"),
    ],
)
def test_advice_says_what_the_intervals_say(
    finished: EvolveRun, low: float, gap: float, confounded: float, tone: str, words: str
) -> None:
    found = changed(finished, low, gap, confounded)
    told = advise(found.result, "fake")
    assert told.tone == tone and words in told.title
    assert words in render(document([found]))


@pytest.mark.parametrize(
    ("networks", "words"),
    [(4, "Of the 6 pairs of 4 networks that it has never seen it puts about 4 in the right order, a coin 3"),
     (18, "Of 100 pairs among 18 networks that it has never seen it puts about 70 in the right order, a coin 50")],
)  # fmt: skip
def test_advice_counts_no_more_pairs_than_there_are(finished: EvolveRun, networks: int, words: str) -> None:
    found = changed(finished, 0.2, 0.3).result
    rows: dict[str, Any] = dict(found.benchmarks["fake"])
    rows["test"] = {**rows["test"], "n": networks}
    assert advise(dataclasses.replace(found, benchmarks={"fake": rows}), "fake").text.startswith(words)


def test_advice_takes_no_classical_proxy_for_beaten_that_was_not_compared(finished: EvolveRun) -> None:
    assert not any(rival.kind == "classical" for rival in finished.result.rivals_of("fake"))
    told = advise(changed(finished, 0.2, 0.3, classical=0.4).result, "fake")
    assert told.tone == "care" and "classical proxy may do as well" in told.title
    assert "has τ .40 there" in told.text and "--proxy-parts all" in told.text
    assert advise(changed(finished, 0.2, 0.3, classical=0.1).result, "fake").tone == "good"


@pytest.mark.parametrize(
    ("gap", "tone", "words"),
    [(0.3, "good", "than best descriptor, "), (0.05, "good", "took an evolution is not shown: random formulas"),
     (-0.3, "care", "is worse than random formulas")],
)  # fmt: skip
def test_random_formulas_tell_what_the_evolution_is_worth(
    finished: EvolveRun, gap: float, tone: str, words: str
) -> None:
    """They need the same labels and are no simpler: where they do as well, the formula is as good as it is."""
    found = changed(finished, 0.2, 0.3)
    rows = found.result.benchmarks["fake"]
    told = Difference(9, gap, (gap - 0.1, gap + 0.1), gap, (gap - 0.1, gap + 0.1)).to_json()
    rows["rivals"] = [{**one, "difference": told} if one["kind"] == "random" else one for one in rows["rivals"]]
    assert any(one["kind"] == "random" for one in rows["rivals"])
    advice = advise(found.result, "fake")
    assert advice.tone == tone and words in advice.text
    assert ("took an evolution" in advice.text) == (gap == 0.05)


def test_advice_tells_where_the_measures_do_not_agree(finished: EvolveRun) -> None:
    """A difference whose interval in τ does not hold 0 is not told as none."""
    told = advise(changed(finished, 0.2, 0.2, by_rho=-0.2).result, "fake")
    assert told.tone == "care" and "not better than" in told.title and "by every measure" in told.title
    assert (
        "better by τ, not distinguishable by ρ: the difference in τ is .20 [.10, .30], in ρ .00 [-.10, .10]"
        in told.text
    )


def test_what_was_excluded_stands_beside_the_verdict(finished: EvolveRun) -> None:
    assert "By request" not in render(document([finished]))
    settings = dataclasses.replace(finished.settings, exclude=("channels", "macs"))
    text = render(document([dataclasses.replace(finished, settings=settings)]))
    check_page(text)
    assert (
        text.index("Is it worth using?") < text.index("channels, macs. Single statistics") < text.index("The formula<")
    )


def test_repeats_that_do_not_agree_give_no_ceiling(finished: EvolveRun) -> None:
    rows = {**finished.result.benchmarks["fake"], "ceiling": {"kendall": None, "spearman": None}}
    result = dataclasses.replace(finished.result, benchmarks={"fake": rows})
    text = render(document([dataclasses.replace(finished, result=result)]))
    check_page(text)
    assert "agree too little, for a ceiling" in text and "the labels may be noise" in text


def test_a_result_of_an_earlier_version_has_a_page(finished: EvolveRun) -> None:
    """Version 0.2.0 kept no scores, no rivals and no front of a generation."""
    rows = {k: v for k, v in finished.result.benchmarks["fake"].items() if k not in ("rivals", "terms", "layers")}
    result = dataclasses.replace(finished.result, benchmarks={"fake": rows})
    text = render(document([dataclasses.replace(finished, result=result, scores={})]))
    check_page(text)
    assert "kept no scores" in text


def test_layers_and_transfer_are_shown(finished: EvolveRun, tmp_path: Path) -> None:
    rows = finished.result.benchmarks["fake"]["layers"]
    for row in rows:
        for end in ("best", "worst"):
            assert len(row[end]["depth"]) == len(row[end]["values"]) and row[end]["network"]
    row = {"reducer": "Σ(x)", "operand": "x", "region": ""}
    ends = {"network": "a", "depth": [0.0, 0.5, 1.0], "values": [1.0, 2.0, 1e5]}
    result = dataclasses.replace(
        finished.result, benchmarks={"fake": {"layers": [{**row, "best": ends, "worst": ends}]}}
    )
    run = dataclasses.replace(finished, result=result, folder=tmp_path)
    figure, table = figures.depth(run, "fake", "x")
    assert "all layers" in figure.alt and table.rows[0][3:] == ["1", "2", "1e+05"]
    assert "--out" in figures.transferred(run, "x")[1].text
    head = "proxy,benchmark,home,n,kendall,kendall_low,kendall_high\n"
    (tmp_path / "transfer.csv").write_text(head + "run,fake,1,15,0.5,0.1,0.8\nrun,other,0,40,-0.25,-0.4,-0.1\n")
    figure, table = figures.transferred(run, "x")
    assert "run on other -0.25" in figure.alt and "0.50" in figure.svg and table.rows[0][1] == "fake (home)"

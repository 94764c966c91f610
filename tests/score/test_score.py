"""The score command: order, equality with the engine, what is left out, bad input."""

from __future__ import annotations

import csv
import math
import os
import random
import statistics
from pathlib import Path

import pytest

from gpproxy.errors import ConfigError, ExpressionError, SpaceError
from gpproxy.evolve import run
from gpproxy.registry import load_plugin
from gpproxy.run.command import guarded
from gpproxy.score import ScoreSettings, draw, score
from gpproxy.score.__main__ import main
from gpproxy.search_spaces.check import make_space
from gpproxy.statistics import collect
from tests.commands import FAKE, small

FORMULA = "sum_layers(layer_snip) + sum_layers(std(activation))"
FORWARD = "sum_layers(std(activation)) - total_params"


def config(**changes: object) -> ScoreSettings:
    settings = {"space": "fake", "proxy": FORMULA, "plugins": (FAKE,), "workers": 1}
    if "archs" not in changes:
        settings |= {"sample": 8, "seed": 5}
    return ScoreSettings(**{**settings, **changes})  # type: ignore[arg-type]


def write(path: Path, codes: list[str]) -> str:
    path.write_text("\n".join(codes) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run"
    run(small(path, generations=1, random_search=False))
    return path


def test_order_of_the_file_is_kept_and_does_not_matter(tmp_path: Path) -> None:
    load_plugin(FAKE)
    space = make_space("fake")
    codes = draw(space, 8, 0)
    shuffled = random.Random(0).sample(codes, len(codes))
    first = list(score(config(archs=write(tmp_path / "a.txt", codes))))
    second = list(score(config(archs=write(tmp_path / "b.txt", shuffled))))
    assert [s.code for s in first] == codes and [s.code for s in second] == shuffled
    assert {s.code: s.score for s in first} == {s.code: s.score for s in second}
    assert [s.code for s in score(config(seed=0))] == codes


def test_workers_do_not_matter() -> None:
    assert repr(list(score(config(workers=2)))) == repr(list(score(config(workers=1))))


def test_scores_equal_the_engine_on_a_whole_table() -> None:
    from gpproxy.expressions.evaluation.evaluate import Evaluator
    from gpproxy.expressions.grammar import Grammar
    from gpproxy.expressions.text import parse

    found = list(score(config(sample=20)))
    table, _ = collect.collect(make_space("fake"), [s.code for s in found])
    values = Evaluator(table).scores([parse(FORMULA, Grammar.for_table(table))]).values[0]
    for one, expected in zip(found, values.tolist()):
        same = math.isclose(one.score, expected, rel_tol=1e-5)
        assert same or (one.score == -math.inf and math.isnan(expected) and one.code in table.dead)


def test_run_folder_and_its_exported_file_agree(folder: Path) -> None:
    from_run = list(score(config(proxy=str(folder))))
    from_file = list(score(config(proxy=str(folder / "proxy.py"))))
    for one, other in zip(from_run, from_file):
        assert one.code == other.code and math.isclose(one.score, other.score, rel_tol=1e-5)


def test_an_exported_file_keeps_its_look_away_from_its_run(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "runs"
    run(small(other, generations=1, random_search=False, init_seed=3, inputs=24, inits=2))
    moved = tmp_path / "moved.py"
    moved.write_text((other / "proxy.py").read_text())
    beside = [one.score for one in score(config(proxy=str(other)))]
    assert [one.score for one in score(config(proxy=str(moved)))] == pytest.approx(beside)


def test_a_file_that_has_changed_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    values = []
    for number in (1.0, 2.0):
        file.write_text(f"def score(generator, inputs):\n    return {number}\n")
        os.utime(file, (number, number))
        values += [one.score for one in score(config(proxy=str(file))) if one.score > 0]
    assert set(values) == {1.0, 2.0}


def test_classical_proxies_are_scored_by_name() -> None:
    found = {one.code: one.score for one in score(config(proxy="ntk"))}
    how = collect.Collection(statistics=(), proxies=("ntk",))
    table, _ = collect.collect(make_space("fake"), list(found), how)
    for code, value in zip(table.architectures, table.columns["ntk"].tolist()):
        assert found[code] == pytest.approx(-value) or not math.isfinite(found[code])


def test_labels_look_as_the_card_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table may be looked at smaller than it was trained."""
    seen: list[dict] = []
    monkeypatch.setattr(
        "gpproxy.execution.scheduler.run_tasks",
        lambda f, tasks, **how: seen.append(dict(tasks[0][2].settings)) or iter(()),
    )
    list(score(ScoreSettings(proxy="nwot", benchmark="autogan-cifar10-32px", sample=1)))
    assert (seen[0]["resolution"], seen[0]["width"]) == (16, 16)


def test_forward_only_formula_runs_no_backward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    import gpproxy.statistics.passes as passes

    def refuse(*args: object) -> None:
        raise AssertionError("backward pass")

    monkeypatch.setattr(passes, "backward", refuse)
    assert all(math.isfinite(s.score) for s in score(config(proxy=FORWARD)))


def test_csv_has_a_row_for_what_fails_and_ranks_dead_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archs = tmp_path / "archs.csv"
    archs.write_text("id,architecture\n1,3-0-1-2\n2,0-0-0-2\n\n3,1-1-1-1\n")
    out = tmp_path / "deep" / "scores.csv"
    flags = ["--space", "fake", "--proxy", FORWARD, "--plugins", FAKE, "--archs", str(archs), "--out", str(out)]
    assert main([*flags, "--workers", "1"]) == 1
    rows = list(csv.reader(out.open()))
    assert rows[0] == ["architecture", "score"] and [row[0] for row in rows[1:]] == ["3-0-1-2", "0-0-0-2", "1-1-1-1"]
    assert [row[1] for row in rows[1:3]] == ["", "-inf"] and math.isfinite(float(rows[3][1]))
    told = capsys.readouterr().err
    assert "3-0-1-2 has no score: the untrained generator returns NaN" in told and "0-0-0-2 is dead: " in told


def test_sample_is_distinct_and_seeded() -> None:
    load_plugin(FAKE)
    space = make_space("fake")
    for count in (5, 40, 48):
        codes = draw(space, count, 1)
        assert len(set(codes)) == count and codes == draw(space, count, 1) != draw(space, count, 2)
    with pytest.raises(ConfigError, match="more than the 48"):
        draw(space, 49, 0)


def test_bad_input_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SpaceError, match=r"archs.txt, line 2"):
        list(score(config(archs=write(tmp_path / "archs.txt", ["1-1-1-1", "9-9"]))))
    with pytest.raises(ConfigError, match="expects a text file"):
        list(score(config(archs=str(tmp_path / "nowhere.txt"))))
    with pytest.raises(ExpressionError, match="Did you mean 'layer_snip'"):
        list(score(config(proxy="sum_layers(layer_snipp)")))
    with pytest.raises(ConfigError, match="is not there"):
        list(score(config(proxy="nowhere/proxy.py")))
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(ConfigError, match="no function score"):
        list(score(config(proxy=str(tmp_path / "empty.py"))))
    with pytest.raises(ConfigError, match="--archs FILE or --sample"):
        config(sample=0)
    assert guarded(main, ["--space", "fak", "--proxy", FORMULA, "--sample", "2", "--plugins", FAKE]) == 1
    assert "Did you mean 'fake'" in capsys.readouterr().err


def test_the_mean_over_initialisations_has_a_spread(tmp_path: Path) -> None:
    singles = [list(score(config(init_seed=seed))) for seed in (0, 1, 2)]
    for found, *alone in zip(score(config(init_seed=0, inits=3)), *singles):
        scores = [one.score for one in alone]
        assert math.isclose(found.score, statistics.fmean(scores))
        assert math.isclose(found.spread, statistics.stdev(scores)) and found.spread > 0
        assert all(math.isnan(one.spread) for one in alone)
    out = tmp_path / "scores.csv"
    flags = {
        "proxy": FORMULA,
        "space": "fake",
        "sample": "3",
        "seed": "5",
        "inits": "2",
        "plugins": FAKE,
        "out": str(out),
    }
    assert main([word for name, value in flags.items() for word in (f"--{name}", value)]) == 0
    rows = list(csv.DictReader(out.open()))
    assert list(rows[0]) == ["architecture", "score", "spread"] and len(rows) == 3


def test_the_list_of_architectures_may_be_the_file_of_the_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays a list that can be scored, whether the scores are written, refused or interrupted."""
    codes = ["1-1-1-1", "2-0-1-0", "3-1-0-2"]
    both = Path(write(tmp_path / "both.txt", codes))
    flags = ["--space", "fake", "--plugins", FAKE, "--workers", "1", "--archs", str(both), "--out", str(both)]
    before = both.read_text()
    assert guarded(main, [*flags, "--proxy", "sum_layers(layer_snipp)"]) == 1
    assert both.read_text() == before

    def interrupted(number: float) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("gpproxy.proxies.scored.cell", interrupted)
        assert guarded(main, [*flags, "--proxy", FORWARD]) == 130
    assert both.read_text() == before
    written = []
    for _ in range(2):  # the scores are a table with a column of architectures, and so a list again
        assert guarded(main, [*flags, "--proxy", FORWARD]) == 0
        written.append(both.read_text())
    assert written[0] == written[1]
    assert [row["architecture"] for row in csv.DictReader(both.open())] == codes

"""The benchmark command: what it shows of a table, which rows it refuses, and how it builds one."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from gpproxy.benchmark import CheckSettings, ShowSettings, check, show
from gpproxy.benchmark import builder as module
from gpproxy.benchmark.__main__ import main
from gpproxy.benchmark.console import BuildInterrupted, BuildTerminal, build_watched, span
from gpproxy.benchmark.settings import BuildSettings
from gpproxy.benchmark.survey_table import survey_table
from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.csv_table import write_table
from gpproxy.registry import load_plugin
from gpproxy.run.command import guarded
from gpproxy.search_spaces import SEARCH_SPACES
from tests.benchmark.fake import MAIN, FakeTask
from tests.commands import FAKE


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of the made-up space with two trainings each, one of them collapsed, and a twin measure."""
    load_plugin(FAKE)
    space, rows = SEARCH_SPACES["fake"](), []
    for architecture in list(space.enumerate())[::2]:
        for seed in range(2):
            value = 100 * 2 ** (0.3 * architecture[2] - architecture[0] - 0.4 * architecture[3]) * (1 + 0.05 * seed)
            lost = architecture == (1, 0, 0, 0) and seed == 1
            row = {"architecture": space.encode(architecture), "seed": seed, "fd": None if lost else value}
            rows.append({**row, "collapsed": lost, "verdict": "fine", "fd@25%": 2 * value, "guess": architecture[0]})
    card = Card(
        space="fake",
        metric="fd",
        direction="lower",
        scale="log",
        data="made up",
        notes="A sentence that is so long that it takes more than one line in a terminal of eighty columns, surely.",
        text_columns=("verdict",),
        measured_columns=("fd@25%",),
        facts={"floor": 1.23456, "longer": {"times": 5, "spearman": 0.91}},
    )
    return write_table(tmp_path / "mine", card, rows)


@pytest.mark.parametrize("width", [80, 140])
def test_show_says_what_there_is_to_know(table: Path, width: int) -> None:
    found = show(ShowSettings(str(table), proxies="snip,grad_norm", workers=1, plugins=(FAKE,)))
    lines = [line.plain for line in survey_table(found, width)]
    text = " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= width
    for part in (
        "space fake",
        "made up",
        "floor 1.235",
        "times 5; spearman 0.91",
        "24 architectures, 48 trainings, 1 of them collapsed and last in rank",
        "fd lower is better: best",
        "retest ρ ",
        "ceiling for any proxy: ρ ",
        "fd@25% -",
        "snip (classical)",
        "guess (published)",
        "params (descriptor)",
        "dead",
    ):
        assert part in text, part
    assert "fd@25% (published)" not in text
    assert found.retest is not None and 0.9 < found.retest.ceiling <= 1
    assert found.baselines["guess"]["spearman"] > 0.5
    assert found.measured["fd@25%"] < -0.9


def test_show_without_proxies_and_without_repeats(table: Path) -> None:
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *(line for line in lines[1:] if line.split(",")[1] == "0")]) + "\n")
    found = show(ShowSettings(str(table), proxies="none", plugins=(FAKE,)))
    assert found.retest is None and found.ceiling is None
    assert "unknown: too few" in "\n".join(line.plain for line in survey_table(found, 80))
    assert "snip" not in found.baselines and "params" in found.baselines


def test_show_from_the_command_line(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(main, ["show", str(table), "--proxies", "none", "--plugins", FAKE]) == 0
    assert "Rank correlation with the quality" in capsys.readouterr().out
    assert guarded(main, ["show", "transnas-mirco"]) == 1
    assert "Did you mean 'transnas-micro'" in " ".join(capsys.readouterr().err.split())
    assert guarded(main, ["show", str(table), "--proxies", "snipp", "--plugins", FAKE]) == 1
    assert "Did you mean 'snip'" in " ".join(capsys.readouterr().err.split())


def test_check_names_every_bad_row_and_ends_with_an_error(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(main, ["check", str(table), "--plugins", FAKE]) == 0
    assert "no bad row; 24 architectures of fake with 48 trainings" in capsys.readouterr().out
    bad = [f"9-9-9-9,{i},1.0,0,fine,2.0,0" for i in range(15)]
    table.write_text(table.read_text() + "\n".join([*bad, "0-0-0-0,7,-1.0,0,fine,2.0,0"]) + "\n")
    assert guarded(main, ["check", str(table), "--plugins", FAKE]) == 1
    said = capsys.readouterr().out
    assert said.count("unknown architecture") == 15 and "row 50 (9-9-9-9)" in said and "row 64 (9-9-9-9)" in said
    assert "row 65 (0-0-0-0): fd is -1.0, but a metric on the log scale is above 0" in said
    assert "16 bad rows; 24 architectures" in said


def test_check_of_a_table_without_any_good_row(table: Path) -> None:
    table.write_text("architecture,seed,fd\n9-9-9-9,0,1\n0-0-0-0,0,x\n")
    good, bad = check(CheckSettings(str(table), (FAKE,)))
    assert good is None
    assert [line.split(":")[0] for line in bad] == ["row 2 (9-9-9-9)", "row 3 (0-0-0-0)"]


def test_check_of_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(main, ["check", str(tmp_path / "none.csv")]) == 1
    assert "is not there, and its card none.toml neither" in " ".join(capsys.readouterr().err.split())


def test_the_command_without_a_known_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(main, ["--help"]) == 0 and guarded(main, []) == 1
    assert "usage: gpproxy benchmark" in capsys.readouterr().out
    assert guarded(main, ["biuld"]) == 1
    assert "Did you mean 'build'?" in " ".join(capsys.readouterr().err.split())


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(module, "training_task", FakeTask)
    size = ["--size", "3", "--trainings", "2", "--steps", "4", "--width", "8", "--resolution", "16", "--samples", "20"]
    return ["build", "--data", "shapes", *size, "--out", str(tmp_path / "out")]


def test_build_tells_what_it_does_and_continues_by_its_folder_alone(
    tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(main, tiny) == 0
    said = capsys.readouterr().out
    assert "3 architectures of autogan, 2 trainings each" in said and "0 of 6 trainings are finished" in said
    assert f"6/6  1111-10011-10103-s1  {MAIN} " in said and "time left" in said
    assert guarded(main, ["build", "--out", str(tmp_path / "out"), "--size", "4"]) == 0
    said = capsys.readouterr().out
    assert "6 of 8 trainings are finished" in said and "8/8" in said
    assert guarded(main, [*tiny, "--width", "16"]) == 1
    assert "begun with width=8" in " ".join(capsys.readouterr().err.split())


def test_failing_trainings_are_listed_at_the_end(
    tiny: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "training_task", lambda config: FakeTask(config, failing=("1011-10011-10103",)))
    assert guarded(main, tiny) == 1
    assert "2 trainings have no result; the 4 finished ones are in the table" in capsys.readouterr().err


def test_ctrl_c_finishes_the_step_and_says_how_to_continue(tiny: list[str], tmp_path: Path) -> None:
    import signal

    class Impatient(BuildTerminal):
        def report(self, report) -> None:  # noqa: ANN001
            super().report(report)
            if report.step == 3 and len(self._done) == 1:
                signal.raise_signal(signal.SIGINT)

    config = BuildSettings(
        data="shapes", size=3, steps=4, width=8, resolution=16, samples=20, out=str(tmp_path / "out")
    )
    with pytest.raises(BuildInterrupted, match="benchmark build --out") as stopped:
        build_watched(config, Impatient(Console(quiet=True)))
    assert "everything so far is saved" in str(stopped.value)
    assert build_watched(config, BuildTerminal(Console(quiet=True))) == config.table


def test_spans_of_time() -> None:
    assert [span(s) for s in (0.4, 45, 600, 7200)] == ["0 s", "45 s", "10 min", "2.0 h"]

"""What a run shows: plain lines without a terminal, tables that fit with one."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from gpproxy.evolve import read_result, run
from gpproxy.evolve.result import Result
from gpproxy.evolve.table import final_table, verdict, wrapped
from gpproxy.run.terminal import Terminal, in_parts
from tests.commands import small


class Screen(io.StringIO):
    """Takes what is shown; a terminal or not."""

    def __init__(self, terminal: bool):
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Result]:
    """Output of one run without a terminal, of another in one, and its result."""
    folder = tmp_path_factory.mktemp("runs")
    outputs = []
    for terminal in (False, True):
        screen = Screen(terminal)
        console = Console(file=screen, width=80 if terminal else None, highlight=False, force_terminal=terminal or None)
        run(small(folder / str(terminal), generations=2), Terminal(console))
        outputs.append(screen.getvalue())
    return outputs[0], outputs[1], read_result(folder / "True")


def test_without_a_terminal_one_line_per_generation(shown: tuple[str, str, Result]) -> None:
    lines = shown[0].splitlines()
    assert "\x1b" not in shown[0]
    assert [line.split()[1] for line in lines if line.startswith("generation ")] == ["0/2", "1/2", "2/2"]
    assert sum(line.startswith(">") for line in lines) == 1


def test_plain_progress_tells_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the pace since the first news: a continued run has not made its first steps in no time."""
    now = [100.0]
    monkeypatch.setattr("gpproxy.run.terminal.time.monotonic", lambda: now[0])
    screen = Screen(False)
    terminal = Terminal(Console(file=screen, highlight=False))
    for seconds, done in ((0, 1000), (5, 1050), (20, 1200), (40, 1200), (80, 2000)):
        now[0] = 100.0 + seconds
        terminal.progress("steps", done, 2000)
    told = ["steps: 1000/2000", "steps: 1200/2000, about 80 s left", "steps: 1200/2000, about 3 min left"]
    assert screen.getvalue().splitlines() == [*told, "steps: 2000/2000"]


def test_in_a_terminal_the_front_is_drawn_and_the_cursor_restored(shown: tuple[str, str, Result]) -> None:
    assert "generations" in shown[1] and "time left" in shown[1]
    assert shown[1].count("\x1b[?25l") == shown[1].count("\x1b[?25h") > 0


@pytest.mark.parametrize("width", [80, 100, 140])
def test_final_table_fits(shown: tuple[str, str, Result], width: int) -> None:
    screen = Screen(True)
    console = Console(file=screen, width=width, color_system=None, force_terminal=True, highlight=False)
    Terminal(console).result(shown[2])
    lines = [line for line in screen.getvalue().splitlines() if str(shown[2].folder) not in line]
    assert not [line for line in lines if len(line) > width]
    assert [line.startswith(">") for line in lines].count(True) == 1
    text = " ".join(" ".join(lines).split())
    for word in ("random formulas", "by luck alone", "dead and rank last", "baselines", "test ρ"):
        assert word in text


def test_columns_are_heeded_without_a_terminal(shown: tuple[str, str, Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    screen = Screen(False)
    Terminal(Console(file=screen, highlight=False)).result(shown[2])
    assert max(len(line) for line in screen.getvalue().splitlines() if str(shown[2].folder) not in line) <= 80


def test_several_benchmarks_tell_all_their_sizes(shown: tuple[str, str, Result]) -> None:
    rows = shown[2].benchmarks["fake"]
    other = {**rows, "test": {**rows["test"], "n": 7}}
    lines = [line.plain for line in final_table(replace(shown[2], benchmarks={"fake": rows, "other": other}), 80)]
    assert lines[1] == f"95 % intervals; test architectures: {rows['test']['n']} of fake, 7 of other"
    assert "worst benchmark" in lines[0] and "test architectures" not in lines[0] and len(lines[0]) <= 80


def test_a_step_of_unknown_length_has_no_count_and_no_time() -> None:
    screen = Screen(True)
    with Terminal(Console(file=screen, width=80, color_system=None, force_terminal=True)) as terminal:
        terminal.step("simplifying")
    assert "simplifying" in screen.getvalue()
    assert "?" not in screen.getvalue().replace("\x1b[?25", "") and "time left" not in screen.getvalue()


def test_a_line_of_parts_is_broken_between_them() -> None:
    assert in_parts("step 1   losses 2, 3   4 steps/s", 80) == "step 1   losses 2, 3   4 steps/s"
    assert in_parts("step 1   losses 2, 3   4 steps/s", 20) == "step 1   losses 2, 3\n    4 steps/s"
    assert in_parts("discriminator    1 of 2", 5) == "discriminator    1 of 2"


def test_a_path_is_never_broken(shown: tuple[str, str, Result]) -> None:
    screen = Screen(True)
    Terminal(Console(file=screen, width=80, color_system=None, force_terminal=True)).result(shown[2])
    assert str(shown[2].folder) in screen.getvalue()


def test_wrapped_keeps_every_character() -> None:
    text = "a bb ccc " + "d" * 25 + " e"
    assert all(len(line) <= 10 for line in wrapped(text, 10))
    assert "".join(wrapped(text, 10)).replace(" ", "") == text.replace(" ", "")
    assert wrapped("", 10) == [""]


def test_the_verdict_says_plainly_what_is_not_beaten() -> None:
    def told(own: float | None, **taus: float) -> list[str]:
        rows = {name: {"test": {"kendall": tau}} for name, tau in taus.items()}
        return [text for _, text in verdict(SimpleNamespace(test={"kendall": own}, baselines=rows))]  # type: ignore[arg-type]

    assert told(0.5, params=0.2, ntk=0.4) == ["on the test the formula (τ .50) beats the best baseline, ntk (.40)."]
    assert "does NOT beat the best baseline, params (.60)" in told(0.5, params=0.6, ntk=0.4)[0]
    assert (
        "beats" in told(0.5, depth=-0.6, ntk=0.4)[0]
        and "does NOT beat depth counted backwards (.60)" in told(0.5, depth=-0.6, ntk=0.4)[0]
    )
    assert told(None, params=0.2) == [] and told(0.5) == []

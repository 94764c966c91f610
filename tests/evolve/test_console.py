"""What a run of evolve shows: plain lines without a terminal, tables that fit with one."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from gpproxy.evolve import read_result, run
from gpproxy.evolve.console import EvolveTerminal
from gpproxy.evolve.result import Result
from gpproxy.evolve.table import final_table
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
        run(small(folder / str(terminal), generations=2), EvolveTerminal(console))
        outputs.append(screen.getvalue())
    return outputs[0], outputs[1], read_result(folder / "True")


def test_without_a_terminal_one_line_per_generation(shown: tuple[str, str, Result]) -> None:
    lines = shown[0].splitlines()
    assert "\x1b" not in shown[0]
    assert [line.split()[1] for line in lines if line.startswith("generation ")] == ["0/2", "1/2", "2/2"]
    assert sum(line.startswith(">") for line in lines) == 1


def test_in_a_terminal_the_front_is_drawn_and_the_cursor_restored(shown: tuple[str, str, Result]) -> None:
    assert "generations" in shown[1] and "time left" in shown[1]
    assert shown[1].count("\x1b[?25l") == shown[1].count("\x1b[?25h") > 0


@pytest.mark.parametrize("width", [80, 100, 140])
def test_final_table_fits(shown: tuple[str, str, Result], width: int) -> None:
    screen = Screen(True)
    console = Console(file=screen, width=width, color_system=None, force_terminal=True, highlight=False)
    EvolveTerminal(console).result(shown[2])
    lines = [line for line in screen.getvalue().splitlines() if str(shown[2].folder) not in line]
    assert not [line for line in lines if len(line) > width]
    assert [line.startswith(">") for line in lines].count(True) == 1
    text = " ".join(" ".join(lines).split())
    for word in (
        "random formulas",
        "by luck alone",
        "dead and ranks last",
        "baselines",
        "test ρ ↑",
        "nodes: operations",
        "published direction:",
    ):
        assert word in text


def test_columns_are_heeded_without_a_terminal(shown: tuple[str, str, Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    screen = Screen(False)
    EvolveTerminal(Console(file=screen, highlight=False)).result(shown[2])
    assert max(len(line) for line in screen.getvalue().splitlines() if str(shown[2].folder) not in line) <= 80


def test_several_benchmarks_tell_all_their_sizes(shown: tuple[str, str, Result]) -> None:
    rows = shown[2].benchmarks["fake"]
    other = {**rows, "test": {**rows["test"], "n": 7}}
    lines = [line.plain for line in final_table(replace(shown[2], benchmarks={"fake": rows, "other": other}), 80)]
    assert lines[1] == f"95 % intervals; test architectures: {rows['test']['n']} of fake, 7 of other"
    assert "worst benchmark" in lines[0] and "test architectures" not in lines[0] and len(lines[0]) <= 80


def test_a_path_is_never_broken(shown: tuple[str, str, Result]) -> None:
    screen = Screen(True)
    EvolveTerminal(Console(file=screen, width=80, color_system=None, force_terminal=True)).result(shown[2])
    assert str(shown[2].folder) in screen.getvalue()


def test_validation_the_whole_formula_and_what_columns_mean_are_shown(shown: tuple[str, str, Result]) -> None:
    plain, drawn, _ = shown
    assert plain.count("one line per generation") == 1 and plain.count("valid. τ ") >= 3
    text = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", drawn)
    for word in ("valid. τ", "best: ", "nodes: operations", "without a ranking"):
        assert word in text
    assert "…" not in "".join(line for line in text.splitlines() if line.startswith(("best: ", "      ")))


def test_what_was_drawn_stays_after_ctrl_c() -> None:
    screen = Screen(True)
    terminal = EvolveTerminal(Console(file=screen, width=80, force_terminal=True))
    with pytest.raises(KeyboardInterrupt), terminal:
        terminal.above = "the front so far"
        raise KeyboardInterrupt
    assert "the front so far" in screen.getvalue()


def test_a_correlation_inside_one_group_of_four_is_not_shown(shown: tuple[str, str, Result]) -> None:
    rows = shown[2].benchmarks["fake"]
    few = {"spearman": 0.77, "interval": [0.1, 0.9], "groups": 1, "n": 4}
    enough = {**few, "groups": 3, "n": 14}
    for inside, seen in ((few, False), (enough, True)):
        test = {**rows["test"], "within": {"macs": inside}}
        found = replace(shown[2], benchmarks={"fake": {**rows, "group": "macs", "test": test}})
        text = " ".join(line.plain for line in final_table(found, 80))
        assert ("inside" in text) == seen, inside

"""Remarks and progress, in a terminal and without one."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gpproxy.run.terminal import Terminal


class Screen(io.StringIO):
    """Takes what is shown; a terminal or not."""

    def __init__(self, terminal: bool):
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def test_plain_progress_tells_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the pace since the first news: a continued run has not made its first steps in no time."""
    now = [100.0]
    monkeypatch.setattr("gpproxy.run.terminal.time.monotonic", lambda: now[0])
    screen = Screen(False)
    terminal = Terminal(Console(file=screen, highlight=False))
    for seconds, done in ((0, 1000), (5, 1050), (20, 1200), (40, 1200), (80, 2000), (81, 2000)):
        now[0] = 100.0 + seconds
        terminal.progress("steps", done, 2000)
    told = ["steps: 1,000/2,000", "steps: 1,200/2,000, about 80 s left", "steps: 1,200/2,000, about 3 min left"]
    assert screen.getvalue().splitlines() == [*told, "steps: 2,000/2,000"]


def test_what_begins_anew_after_its_end_is_told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("gpproxy.run.terminal.time.monotonic", lambda: now[0])
    screen = Screen(False)
    terminal = Terminal(Console(file=screen, highlight=False))
    for seconds, done, total in ((0, 0, 20), (5, 20, 20), (6, 20, 60), (26, 30, 60), (46, 40, 60), (86, 60, 60)):
        now[0] = 100.0 + seconds
        terminal.progress("looks", done, total)
    told = ["looks: 0/20", "looks: 20/20", "looks: 20/60", "looks: 30/60, about 60 s left"]
    assert screen.getvalue().splitlines() == [*told, "looks: 40/60, about 40 s left", "looks: 60/60"]


def test_a_bar_that_begins_anew_after_its_end_is_a_new_bar() -> None:
    screen = Screen(True)
    with Terminal(Console(file=screen, width=80, color_system=None, force_terminal=True)) as terminal:
        for done, total in ((0, 20), (20, 20), (30, 60)):
            terminal.progress("looks", done, total)
            terminal._live.refresh()
    assert "20/20" in screen.getvalue() and "30/60" in screen.getvalue().rpartition("20/20")[2]


def test_a_step_of_unknown_length_has_no_count_and_no_time() -> None:
    screen = Screen(True)
    with Terminal(Console(file=screen, width=80, color_system=None, force_terminal=True)) as terminal:
        terminal.step("simplifying")
    assert "simplifying" in screen.getvalue()
    assert "?" not in screen.getvalue().replace("\x1b[?25", "") and "time left" not in screen.getvalue()

"""What a notebook shows: told by its kernel, drawn into one display that is updated in place."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from rich.text import Text

from gpproxy.run import notebook
from gpproxy.run.terminal import Terminal, Watch


class Display:
    """Stands for IPython.display: keeps what it was given."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []

    def display(self, bundle: dict[str, str], raw: bool, display_id: bool) -> Display:
        assert raw and display_id
        self.shown.append(bundle)
        return self

    def update(self, bundle: dict[str, str], raw: bool) -> None:
        assert raw
        self.shown.append(bundle)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Display:
    cell = Display()
    ipython: Any = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()), display=cell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setattr(notebook, "PAUSE", 0.0)
    return cell


def test_a_terminal_and_the_prompt_of_ipython_are_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    for shell in (None, SimpleNamespace()):
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda shell=shell: shell))
        assert not notebook.in_notebook() and type(notebook.watching(Terminal, Watch)) is Watch


def test_progress_is_one_display_that_is_updated_and_taken_away(
    cell: Display, capsys: pytest.CaptureFixture[str]
) -> None:
    with notebook.watching(Terminal, Watch) as watch:
        assert isinstance(watch, Terminal)
        watch.note("run folder runs/1")
        watch.above = Text("<the front>", style="cyan")
        for done in (0, 3, 7):
            watch.progress("generations", done, 7)
    assert "7/7" in cell.shown[-2]["text/html"] and "&lt;the front&gt;" in cell.shown[-2]["text/html"]
    assert "style=" in cell.shown[-2]["text/html"] and "\x1b" not in cell.shown[-2]["text/plain"]
    assert cell.shown[-1] == {"text/plain": "", "text/html": ""} and len(cell.shown) == 4
    assert "run folder runs/1" in capsys.readouterr().out

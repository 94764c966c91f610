"""Where every command writes its lines: the terminal, a file or pipe, or below the cell of a notebook."""

from __future__ import annotations

from rich.console import Console

from gpproxy.run.notebook import HEIGHT, WIDTH, in_notebook


def usual_console(stderr: bool = False) -> Console:
    """A new console. Words stay as they are: `training:100` has no emoji in it."""
    if not in_notebook():
        return Console(stderr=stderr, highlight=False, emoji=False)
    return Console(width=WIDTH, height=HEIGHT, force_terminal=True, force_jupyter=False, highlight=False, emoji=False)

"""A run in a notebook: whether there is one, and a picture below the cell that is redrawn in place.

In: what rich draws. Out: an HTML display that IPython updates, or lines below the cell. IPython itself is not needed:
where a notebook runs, it is loaded already.
"""

from __future__ import annotations

import io
import sys
import time
from typing import Any, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live

W = TypeVar("W")
#: Characters in a line below a cell, lines of a picture, and least seconds between two pictures.
WIDTH, HEIGHT, PAUSE = 110, 30, 0.5


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, which shows HTML; the prompt of IPython is a terminal."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def watching(loud: type[W], silent: type[W]) -> W:
    """Who watches a run that was started from Python without a watch: nobody, but in a notebook one who shows it."""
    return loud() if in_notebook() else silent()


def live(picture: RenderableType, console: Console) -> Live | CellPicture:
    """A picture that is redrawn in place and leaves no trace; to be started, updated and stopped."""
    if in_notebook():
        return CellPicture(picture)
    return Live(picture, console=console, refresh_per_second=4, transient=True)


class CellPicture:
    """What `rich.live.Live` is in a terminal, below a cell: HTML in a display that is updated."""

    def __init__(self, picture: RenderableType):
        self._picture = picture
        self._handle: Any = None
        self._drawn = 0.0

    def start(self) -> None:
        """Shows the picture."""
        show = sys.modules["IPython"].display.display
        self._handle = show(self._bundle(), raw=True, display_id=True)
        self._drawn = time.monotonic()

    def update(self, picture: RenderableType) -> None:
        """Shows another one in its place; what comes too soon after the last one is left out."""
        self._picture = picture
        if time.monotonic() - self._drawn >= PAUSE:
            self._handle.update(self._bundle(), raw=True)
            self._drawn = time.monotonic()

    def stop(self) -> None:
        """Takes it away; what was found is shown below."""
        self._handle.update({"text/plain": "", "text/html": ""}, raw=True)

    def _bundle(self) -> dict[str, str]:
        drawn = Console(width=WIDTH, height=HEIGHT, file=io.StringIO(), record=True, force_jupyter=False)
        drawn.print(self._picture)
        page = drawn.export_html(inline_styles=True, code_format='<pre style="line-height: 1.25">{code}</pre>')
        return {"text/plain": drawn.file.getvalue(), "text/html": page}  # type: ignore[attr-defined]

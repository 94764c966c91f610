"""Printed commands can be pasted."""

from __future__ import annotations

import shlex
import sys
from types import SimpleNamespace

import pytest

from gpproxy.run import invocation
from gpproxy.run.invocation import command_line


def test_words_are_quoted() -> None:
    line = command_line("benchmark build", "--out", "run 1", "--workers", 2)
    assert line.endswith("benchmark build --out 'run 1' --workers 2")
    assert shlex.split(line)[-5:] == ["build", "--out", "run 1", "--workers", "2"]


@pytest.mark.parametrize(
    ("spec", "argument", "found", "begin"),
    [
        ("gpproxy.evolve.__main__", "/x/gpproxy/evolve/__main__.py", {}, f"{sys.executable} -m gpproxy"),
        ("gpproxy.__main__", "-m", {"python": sys.executable, "gpproxy": "/bin/gpproxy"}, "python -m gpproxy"),
        (None, "/x/.venv/bin/gpproxy", {}, "/x/.venv/bin/gpproxy"),
        (None, "/x/.venv/bin/gpproxy", {"gpproxy": "/x/.venv/bin/gpproxy"}, "gpproxy"),
        (None, "script.py", {"gpproxy": "/bin/gpproxy"}, "gpproxy"),
        (None, "script.py", {}, f"{sys.executable} -m gpproxy"),
    ],
)
def test_the_program_is_called_as_it_was_started(
    spec: str | None, argument: str, found: dict[str, str], begin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = SimpleNamespace(__spec__=None if spec is None else SimpleNamespace(name=spec))
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(sys, "argv", [argument])
    monkeypatch.setattr(invocation.shutil, "which", found.get)
    assert command_line("evolve") == f"{begin} evolve"

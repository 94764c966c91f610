"""Output that cannot show a character spells it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import gpproxy.run.spelling  # noqa: F401  registers the handler


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        ("τ .45 ± .1", "ascii", b"tau .45 +- .1"),
        ("τ .45 ± .1", "latin-1", b"tau .45 \xb1 .1"),
        ("R², é, 测", "ascii", b"R^2, e, ?"),
        ("a → b …", "cp1252", b"a -> b \x85"),
    ],
)
def test_what_is_missing_is_spelt(text: str, encoding: str, told: bytes) -> None:
    assert text.encode(encoding, "gpproxy.spelt") == told


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16"])
@pytest.mark.parametrize("words", [("list", "statistics"), ("benchmark", "published"), ("evolve", "--nonsense")])
def test_commands_write_into_any_encoding(encoding: str, words: tuple[str, ...]) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "gpproxy", *words]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=120)
    told = (done.stdout + done.stderr).decode(encoding, "replace")
    assert "Traceback" not in told and "UnicodeEncodeError" not in told and told.strip(), told

"""Lines for people stay as they are."""

from __future__ import annotations

import pytest

from gpproxy.run.terminal import Terminal


def test_words_between_colons_are_no_emoji(capsys: pytest.CaptureFixture[str]) -> None:
    watch = Terminal()
    watch.progress("training:100: labels", 1, 2)
    watch.note("shared:50: begun")
    assert "training:100: labels" in (told := capsys.readouterr().out) and "shared:50: begun" in told

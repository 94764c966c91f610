"""What is said of a file that could not be written."""

from __future__ import annotations

import errno
import os

import pytest

from gpproxy.files import explained, remedy
from gpproxy.run.command import guarded


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "Free space"),
        (errno.EROFS, "Choose a place that can be written"),
        (errno.EACCES, "GPPROXY_CACHE"),
    ],
)
def test_the_remedy_follows_from_the_reason(number: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = OSError(number, os.strerror(number), "/cache/x")
    assert words in remedy(error) and "What was written before is intact." in remedy(error)
    known = explained(error, "gpproxy evolve --resume run", "The run is safe up to generation 3.")
    assert remedy(known).startswith("The run is safe up to generation 3.")
    assert remedy(known).endswith("then continue with\n  gpproxy evolve --resume run")

    def fails(arguments: object) -> None:
        raise known

    assert guarded(fails, []) == 1
    said = capsys.readouterr().err
    assert os.strerror(number) in said and "/cache/x" in said and words in said.replace("\n", " ")

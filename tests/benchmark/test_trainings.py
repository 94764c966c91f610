"""Why a training has no result is told in a sentence, whatever has gone wrong and wherever."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from gpproxy.benchmark.trainings import _problem
from gpproxy.errors import RunError
from gpproxy.execution.scheduler import run_tasks
from tests.execution.work import divide


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_that_nobody_expected_has_its_place(workers: int) -> None:
    with pytest.raises(ZeroDivisionError) as error:
        list(run_tasks(divide, [(1, 0), (2, 0)], workers=workers))
    told = _problem(error.value, Path("place"))
    assert told.startswith("ZeroDivisionError: division by zero (") and "tests/execution/work.py, line " in told


def test_errors_of_our_own_and_of_the_disk_are_sentences_already() -> None:
    assert _problem(RunError("made to fail"), Path("place")) == "made to fail"
    assert _problem(OSError(errno.ENOSPC, "No space left"), Path("place")) == "No space left: place."

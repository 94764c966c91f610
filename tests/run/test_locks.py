"""One process per folder: who is refused, and that a lock ends with its holder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gpproxy.errors import RunError
from gpproxy.run.locks import alone, taken


def test_a_second_one_is_refused_until_the_first_is_over(tmp_path: Path) -> None:
    assert not taken(tmp_path) and not list(tmp_path.iterdir())
    with alone(tmp_path, "training"):
        assert taken(tmp_path)
        with (
            pytest.raises(RunError, match=rf"Another training is running in .* \(process {os.getpid()}\)"),
            alone(tmp_path, "training"),
        ):
            raise AssertionError
    assert not taken(tmp_path)
    with alone(tmp_path, "training"):
        pass

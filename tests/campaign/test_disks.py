"""A short form of the campaign of full disks; `python -m tests.campaign disks` runs the long one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaign import disks

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not disks.possible(), reason="disks can be mounted by an administrator of Linux only")
def test_a_command_on_a_disk_that_fills_up_says_so_and_ends_as_if_nothing_had_been() -> None:
    """In a process of its own: what forks must not have begun threads."""
    command = [sys.executable, "-m", "tests.campaign", "disks", "--count", "1", "--only", "train"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 1 runs, 0 wrong" in done.stdout

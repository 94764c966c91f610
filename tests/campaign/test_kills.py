"""A short form of the campaign of kills; `python -m tests.campaign kills` runs the long one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.campaign.kills import Work, campaign, content, different

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@pytest.mark.parametrize("name", ["train", "search"])
def test_a_killed_command_ends_as_if_nothing_had_been(name: str) -> None:
    """In a process of its own: what forks must not have begun threads."""
    command = [sys.executable, "-m", "tests.campaign", "kills", "--count", "2", "--only", name]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 different" in done.stdout


def test_a_difference_is_found(tmp_path: Path) -> None:
    """A work that appends, and so does not end alike once it is continued."""

    def run(place: Path) -> None:
        place.mkdir(exist_ok=True)
        for number in range(20):
            with (place / "lines.txt").open("a") as file:
                file.write(f"{number}\n")
            time.sleep(0.02)
        (place / "end.txt").touch()

    found = campaign(Work("append", run, lambda place: (place / "end.txt").is_file()), 5, tmp_path)
    assert found.kills == 5 and found.differences
    assert all(name.endswith("/lines.txt") for name in found.differences)


def test_times_do_not_count(tmp_path: Path) -> None:
    for name, seconds in (("a", 1.0), ("b", 2.0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.json").write_text(f'{{"seconds": {seconds}, "rows": [{{"hours": {seconds}, "n": 3}}]}}')
        (tmp_path / name / "x.csv").write_text(f"code,seconds\n1,{seconds}\n")
    assert not different(content(tmp_path / "a"), content(tmp_path / "b"))
    (tmp_path / "b" / "x.csv").write_text("code,seconds\n2,1.0\n")
    assert different(content(tmp_path / "a"), content(tmp_path / "b")) == ["x.csv"]

"""A build that is killed: what it had finished stays, and the same command does the rest."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gpproxy.benchmarks.csv_table import read_rows, read_table

ROOT = Path(__file__).parents[2]


def start(out, workers):
    command = [sys.executable, "-m", "tests.benchmark.driver", str(out), str(workers)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
@pytest.mark.parametrize("workers", [1, 2])
def test_kill_twice_and_go_on(tmp_path, workers):
    out = tmp_path / "out"
    finished: set[str] = set()
    for ends in (1, 2):
        process = start(out, workers)
        for _ in range(ends):
            name = process.stdout.readline().strip()
            assert name, process.communicate()[1]
            finished.add(name)
        time.sleep(0.1)  # into the next training
        process.kill()
        rest = process.communicate()[0].split()
        finished |= set(rest)
        rows = read_rows(out / "autogan-shapes.csv")
        assert {f"{row['architecture']}-s{row['seed']}" for row in rows} >= finished
        assert all(row["FD(cifar)"] and row["verdict"] for row in rows)
    (out / ".autogan-shapes.csv.1.part").write_text("what a kill in the middle of a write leaves")
    last = start(out, workers)
    printed = last.communicate(timeout=60)[0].split()
    assert last.returncode == 0
    assert not finished & set(printed)
    assert len(read_rows(out / "autogan-shapes.csv")) == 6
    assert len(read_table(out / "autogan-shapes.csv")) == 3
    began = (out / "began.txt").read_text().split()
    assert all(began.count(name) <= 3 for name in began)
    assert not [path for path in out.rglob("*.part")]

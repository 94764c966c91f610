"""Kills a search in its shared training, begins it again by the same command, and compares with an unbroken one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tests.training.toy import equal

SCRIPT = """
import gpproxy.training.loop as loop
loop.SAVE = 0.0
from gpproxy.search import SearchSettings, run
run(SearchSettings(**{settings!r}))
"""


def ends_alike_after_a_kill(place: Path, settings: Mapping[str, Any], cached: bool = False) -> None:
    """Asserts that weights, step and ranking are the same, bit for bit.

    Args:
        place: an empty folder.
        settings: of the search, without `out`.
        cached: whether the training lies in the cache instead of the folder of the search.
    """
    ends = []
    for name in ("whole", "killed"):
        out, cache = place / name, place / f"{name}-cache"
        environment = {**os.environ, "GPPROXY_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
        root = str(Path(__file__).parents[2])
        command = [sys.executable, "-c", SCRIPT.format(settings={**settings, "out": str(out)})]
        if name == "killed":
            process = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.DEVNULL)
            where = cache / "shared" if cached else out
            while process.poll() is None and not list(where.rglob("last.pt")):
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, "it was over before it could be killed"
            assert not (out / "result.json").exists()
        subprocess.run(command, cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)
        (state,) = (cache if cached else out).rglob("last.pt")
        found = torch.load(state, weights_only=True)
        ends.append((found["objective"], found["step"], (out / "ranking.csv").read_text()))
    assert ends[0][1:] == ends[1][1:] and equal(ends[0][0], ends[1][0])

"""kill -9 at random moments: each command, killed again and again, ends as one that was left alone, byte for byte.

In: a work (settings and what runs them), a number of kills and a seed. Out: how often it was killed and begun again,
and which files differ. The commands run in forks of this process, so that a kill hits their work and
not the imports, and the whole process group is killed.
"""

from __future__ import annotations

import csv
import json
import math
import os
import random
import re
import signal
import sqlite3
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

#: Keys of JSON and TOML, and columns, that tell of time or of the place.
TIMES = (
    "seconds",
    "time",
    "hours",
    "seconds_per_training",
    "seconds_per_architecture",
    "cost",
    "work",
    "command",
    "out",
    "folder",
)
#: Files that tell of nothing else: journals of what happened when, and what is drawn or written from them.
ASIDE = ("environment.json", "journal.jsonl", "metrics.jsonl", "report.html", "lock", "lock.owner", "last.pt")


@dataclass(frozen=True)
class Work:
    """A command with small settings.

    Attributes:
        run: begins or continues it in a folder.
        done: whether the folder needs no further work.
    """

    name: str
    run: Callable[[Path], Any]
    done: Callable[[Path], bool]


@dataclass
class Kills:
    """What happened.

    Attributes:
        kills: times that a process was killed at work.
        starts: times that the command was begun, continued ones included.
        runs: folders that were brought to their end.
        differences: names of files that are not those of the undisturbed run, and errors of continued commands.
    """

    kills: int = 0
    starts: int = 0
    runs: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def told(self) -> str:
        """All of it in a line."""
        return f"{self.kills} kills, {self.starts} starts, {self.runs} runs, {len(self.differences)} different"


def campaign(work: Work, kills: int, folder: Path, seed: int = 0) -> Kills:
    """Kills so often, over as many folders as that takes, and compares each with one that was left alone."""
    found, rng = Kills(), random.Random(f"{work.name} {seed}")
    began = time.monotonic()
    error = ended(started(work, folder / "whole", folder / "log"))
    seconds = time.monotonic() - began
    if error:
        raise RuntimeError(f"{work.name} fails undisturbed: {(folder / 'log').read_text()}")
    whole = content(folder / "whole")
    while found.kills < kills:
        place, number = folder / f"killed{found.runs}", 0
        while not work.done(place):
            found.starts += 1
            process = started(work, place, folder / "log")
            # Now and then it may come to its end, else nothing but its beginning would ever be hit.
            late = found.kills >= kills or number > 8
            code = ended(process, math.inf if late else rng.uniform(0, 1.1 * seconds))
            if code == -signal.SIGKILL:
                found.kills += 1
                number += 1
            elif code:
                found.differences.append(f"{place.name}: {(folder / 'log').read_text()[-600:]}")
                return found
        found.runs += 1
        found.differences += [f"{place.name}/{name}" for name in different(whole, content(place))]
    return found


def started(work: Work, place: Path, log: Path) -> int:
    """A fork that works in a folder."""
    process = os.fork()
    if process:
        return process
    try:
        os.setsid()
        with log.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            try:
                work.run(place)
            except BaseException:
                traceback.print_exc(file=file)
                file.flush()
                os._exit(1)
        os._exit(0)
    finally:
        os._exit(2)


def ended(process: int, seconds: float = math.inf) -> int:
    """The exit code of a fork, which is killed with its children where it is still at work after so many seconds."""
    end = time.monotonic() + seconds
    while os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() >= end:
            try:
                os.killpg(process, signal.SIGKILL)
            except ProcessLookupError:  # it has not made its group yet
                os.kill(process, signal.SIGKILL)
            break
        time.sleep(0.002)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def content(folder: Path) -> dict[str, Any]:
    """What every file below a folder says, without times."""
    return {
        str(path.relative_to(folder)): said(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ASIDE
    }


def said(path: Path) -> Any:
    """The content of a file without times."""
    if path.suffix == ".json":
        return _without(json.loads(path.read_text()))
    if path.suffix == ".jsonl":
        return [_without(json.loads(line)) for line in path.read_text().splitlines()]
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]
    if path.suffix == ".sqlite":
        with sqlite3.connect(path) as store:  # the state is that of the last moment in which one was due
            tables = ("proposed", "candidates", "ranking")
            return [store.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables]
    if path.suffix in (".toml", ".py"):  # proxy.py says when and where it was found
        return [
            line for line in path.read_text().splitlines() if not re.match(rf"['\" {{]*({'|'.join(TIMES)})\b", line)
        ]
    return path.read_bytes()


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(one) for key, one in value.items() if key not in TIMES}
    return [_without(one) for one in value] if isinstance(value, list) else value


def different(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Names of files that differ or are missing on one side."""
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def works() -> tuple[Work, ...]:
    """Small works of every command that may take long."""
    import torch

    torch.set_num_threads(1)
    from gpproxy import evolve, search, train
    from gpproxy.benchmark.builder import Build
    from gpproxy.benchmark.settings import BuildSettings
    from gpproxy.errors import RunError
    from gpproxy.search.settings import SearchSettings
    from gpproxy.train import TrainSettings
    from tests.commands import small

    tiny = ("width=4", "latent=8", "resolution=16")
    one = {"data": "shapes", "width": 4, "resolution": 16, "batch": 4, "limit": 40, "samples": 20,
           "space_settings": ("latent=8",), "recipe_settings": ("recalibrate=2",)}  # fmt: skip

    def evolved(place: Path) -> None:
        again(evolve, small(place, generations=5, proxies="none"))

    def searched(place: Path) -> None:
        proxy = ("sum_layers(std(activation)) - total_params",)
        settings = SearchSettings(
            space="autogan", space_settings=tiny, proxy=proxy, budget=12, inputs=4, strategy="evolution", population=8,
            tournament=3, out=str(place),
        )  # fmt: skip
        with mock.patch("gpproxy.search.store.SAVE", 0.0):  # a state to go on from after every batch
            again(search, settings)

    def trained(place: Path) -> None:
        again(train, TrainSettings(arch="autogan-a", extractor="none", steps=24, out=str(place), **one))

    def built(place: Path) -> None:
        build = Build(BuildSettings(size=3, trainings=1, retests=1, steps=4, out=str(place), **one))
        if failed := [report.problem for report in build.run() if report.problem]:
            raise RunError("\n".join(failed))

    return (
        Work("evolve", evolved, lambda place: (place / "result.json").is_file()),
        Work("search", searched, lambda place: (place / "report.html").is_file()),
        Work("train", trained, lambda place: (place / "outcome.json").is_file()),
        Work("build", built, lambda place: _rows(place) == 4),
    )


def again(verb: Any, settings: Any) -> None:
    """The command, begun or continued, as `--resume` does where there is a folder."""
    place = Path(settings.out)
    if (place / "config.toml").is_file():
        verb.resume(place)
    else:
        verb.run(settings)


def _rows(place: Path) -> int:
    tables = list(place.glob("*.csv"))
    return sum(1 for _ in tables[0].open()) - 1 if tables else 0

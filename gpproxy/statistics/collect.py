"""From architectures to a table of statistics: each is observed once, seeded by its code alone, and cached on disk.

In: a space, codes, a Collection. Out: a StatisticsTable, and the reasons of those that had to be left out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from gpproxy.errors import StatisticsError
from gpproxy.execution.scheduler import run_tasks
from gpproxy.execution.server import preload
from gpproxy.foreign import Ended, foreign_code
from gpproxy.primitives.types import LayerScalar
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.check import make_space
from gpproxy.statistics import cache, failures
from gpproxy.statistics.assemble import assemble
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one, described, piece_of
from gpproxy.statistics.record import Record
from gpproxy.statistics.table import StatisticsTable

preload("gpproxy.statistics.forward_mode")  # slow to load, and most processes will need it


@dataclass(frozen=True)
class _Look:
    """What comes back of a look.

    Attributes:
        records: one per piece, as they lie in the cache.
        problem: why there are none, or empty.
        lasting: whether it will come again on another day.
    """

    records: tuple[bytes, ...] = ()
    problem: str = ""
    lasting: bool = False


def _task(name: str, settings: dict[str, Any], code: str, how: Collection, pieces: Sequence[Collection]) -> _Look:
    """Collects pieces of one architecture, wherever it runs; only the process that asks for them writes them down."""
    try:
        space = make_space(name, settings)
        with foreign_code(how.look_seconds):
            record = described(space, code) if how.descriptors_only else collect_one(space, code, how)
    except Ended as error:
        return _Look(problem=f"{code}: looking at the generator {error}.", lasting=error.lasting)
    except StatisticsError as error:
        return _Look(problem=str(error), lasting=failures.lasting(error))
    return _Look(tuple(cache.to_bytes(piece_of(record, piece)) for piece in pieces))


def _left_out(task: tuple[Any, ...], why: str) -> _Look:
    return _Look(problem=f"{task[2]}: looking at the generator {why}.")


def _joined(part: Collection, pieces: Sequence[Collection]) -> Collection:
    """One look for several pieces of a part."""
    return replace(
        part,
        statistics=tuple(s.name for piece in pieces for s in piece.chosen()),
        proxies=tuple(name for piece in pieces for name in piece.chosen_proxies()),
        describe=any(piece.descriptors_only for piece in pieces),
    )


def fill(
    space: SearchSpace,
    codes: Sequence[str],
    how: Collection | Sequence[Collection] | None = None,
    *,
    cache_folder: Path | None = None,
    workers: int = 1,
    cluster: str = "",
    retry: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, str]:
    """Puts the architectures into the cache; returns the reasons of those that had to be left out.

    What lies in the cache is not computed again; the result does not depend on workers or order.

    Args:
        how: how to look, or several ways, such as several initialisations; each of them is taken.
        cache_folder: default `gpproxy.statistics.cache.folder()`.
        workers, cluster: as for `run_tasks`; only this process writes.
        retry: whether to look again at generators that failed in an earlier call, instead of recalling the reason.
        on_progress: called with (done, total) as looks finish.
    """
    hows = (how,) if isinstance(how, Collection) else how or (Collection(),)
    parts = [part for one in hows for part in one.parts()]
    settings = asdict(space.settings)
    codes = list(dict.fromkeys(codes))
    tasks, failed = [], {}
    claimed: set[Path] = set()  # the descriptors are the same for all initialisations
    for part in parts:
        pieces = [(piece, _paths(space, codes, piece, cache_folder)) for piece in part.pieces()]
        for code in codes:
            missing = [
                (piece, paths[code])
                for piece, paths in pieces
                if paths[code] not in claimed and not _readable(paths[code])
            ]
            if not missing:
                continue
            claimed |= {path for _, path in missing}
            known = () if retry else (failures.recall(path) for _, path in missing)
            if reason := next(filter(None, known), ""):
                failed[code] = reason
            else:
                asked = [piece for piece, _ in missing]
                tasks.append((space.name, settings, code, _joined(part, asked), asked))
    tasks = [task for task in tasks if task[2] not in failed]
    # A fixed shuffle spreads slow architectures over the run, which keeps the estimate of the time left honest.
    random.Random(0).shuffle(tasks)
    total = len(codes) * len(parts)
    done = total - len(tasks)
    on_progress(done, total)
    where: dict[str, Any] = {"workers": workers, "cluster": cluster, "gpus": float(hows[0].device != "cpu")}
    for task, look in run_tasks(_task, tasks, left_out=_left_out, **where):
        code = task[2]
        paths = [_paths(space, [code], piece, cache_folder)[code] for piece in task[4]]
        if look.problem:
            failed[code] = look.problem
        for path in paths if look.lasting else ():
            failures.remember(path, code, look.problem)
        for data, path in zip(look.records, paths):
            cache.put(data, path)
            failures.forget(path)
        done += 1
        on_progress(done, total)
    return {code: failed[code] for code in codes if code in failed}


def cached(space: SearchSpace, codes: Sequence[str], how: Collection, cache_folder: Path | None = None) -> bool:
    """Whether everything about the architectures lies in the cache."""
    pieces = [piece for part in how.parts() for piece in part.pieces()]
    return all(_readable(path) for piece in pieces for path in _paths(space, codes, piece, cache_folder).values())


def collect(
    space: SearchSpace,
    codes: Sequence[str],
    how: Collection | None = None,
    *,
    cache_folder: Path | None = None,
    workers: int = 1,
    cluster: str = "",
    retry: bool = False,
    only: Sequence[str] | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[StatisticsTable, dict[str, str]]:
    """The table of the architectures, and the reasons of those that had to be left out; arguments as for `fill`.

    Args:
        only: names of the statistics to read, of those that `how` collects; the table has the numbers per layer, too.

    Raises StatisticsError when nothing could be collected.
    """
    how = how or Collection()
    failed = fill(
        space,
        codes,
        how,
        cache_folder=cache_folder,
        workers=workers,
        cluster=cluster,
        retry=retry,
        on_progress=on_progress,
    )
    kept = [code for code in dict.fromkeys(codes) if code not in failed]
    if not kept:
        first = next(iter(failed.values()), "no architecture was given")
        raise StatisticsError(f"No statistics could be collected in {space.name}: {first}")
    return assemble(recorded(space, kept, how, cache_folder=cache_folder, only=only)), failed


def recorded(
    space: SearchSpace,
    codes: Sequence[str],
    how: Collection,
    *,
    cache_folder: Path | None = None,
    only: Sequence[str] | None = None,
) -> list[Record]:
    """The records of architectures that lie in the cache, in the order of the codes; arguments as for `collect`.

    Raises FileNotFoundError for one that `fill` has not put there, StatisticsError for one that is damaged.
    """
    names = [s.name for s in how.chosen() if only is None or s.name in only or s.type is LayerScalar]
    pieces = [piece for part in how.parts() for piece in part.pieces()]
    kept = [tuple(s.name for s in piece.chosen() if s.name in names) for piece in pieces]
    paths = [_paths(space, codes, piece, cache_folder) for piece in pieces]
    records = []
    for code in codes:
        found = [_read(some[code], chosen) for some, chosen in zip(paths, kept)]
        values = {name: value for one in found for name, value in one.values.items()}
        columns = {name: value for one in found for name, value in one.columns.items()}
        proxies = {name: columns.pop(name) for name in how.chosen_proxies()}
        records.append(
            Record(
                code,
                {name: values[name] for name in names},
                columns | proxies,
                next((one.dead for one in found if one.dead), ""),
                sum(one.seconds for one in found),
                {name: reason for one in found for name, reason in one.absent.items()},
                next((one.note for one in found if one.note), ""),
            )
        )
    return records


def _read(path: Path, names: tuple[str, ...]) -> Record:
    """A record of the cache. Raises StatisticsError for damage that only a closer look shows."""
    try:
        return cache.load(path, names)
    except SafetensorError as error:
        raise StatisticsError(
            f"The cached statistics in {path} are damaged ({error}). Delete the file and run again."
        ) from error


def _readable(path: Path) -> bool:
    """Whether the file is there and whole; one that a crash or a failing disk has damaged is written anew."""
    try:
        cache.load(path, ())
    except (FileNotFoundError, SafetensorError, KeyError, TypeError, ValueError):
        return False
    return True


def _paths(space: SearchSpace, codes: Sequence[str], how: Collection, cache_folder: Path | None) -> dict[str, Path]:
    """Code -> the file of a piece in the cache; each code once."""
    settings, folder = asdict(space.settings), cache_folder or cache.folder()
    return {code: folder / cache.file_name(space, settings, code, how) for code in codes}

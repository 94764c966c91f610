"""From architectures to a table of statistics: one look per architecture, seeded by its code alone, cached on disk."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from gpproxy.errors import ConfigError, StatisticsError
from gpproxy.execution.scheduler import run_tasks
from gpproxy.execution.server import preload
from gpproxy.primitives.types import LAYER_TYPES, LayerScalar
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.check import make_space
from gpproxy.seeds import seeded
from gpproxy.statistics import cache, failures
from gpproxy.statistics.assemble import assemble
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.exact import exact
from gpproxy.statistics.passes import WEIGHTED, Passes
from gpproxy.statistics.record import Record
from gpproxy.statistics.statistic import STATISTICS, Statistic
from gpproxy.statistics.table import StatisticsTable

preload("gpproxy.statistics.forward_mode")  # slow to load, and most processes will need it


@dataclass(frozen=True)
class Collection:
    """How a generator is looked at.

    Attributes:
        seed: initialisation seed; together with the space and the code it fixes every random number.
        samples: batch size; passes other than the wide one see the first `Passes.NARROW` of it.
        sizes: what cut values keep.
        statistics: names to collect; None means all that are registered, () none.
        proxies: classical proxies to compute as columns; None means all, () none. They cost several times as much as
            the statistics, so they have a batch of their own size and their own files in the cache.
        proxy_samples: batch size for the classical proxies, at most `Passes.NARROW`: they read gradients.
        device: where the passes run.
        describe: whether to read the structural descriptors off as columns.
    """

    seed: int = 0
    samples: int = 64
    sizes: Sizes = field(default_factory=Sizes)
    statistics: tuple[str, ...] | None = None
    proxies: tuple[str, ...] | None = None
    proxy_samples: int = 16
    device: str = "cpu"
    describe: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.proxy_samples <= Passes.NARROW:
            raise ConfigError(
                f"1 <= proxy_samples <= {Passes.NARROW} must hold, but got proxy_samples={self.proxy_samples}: passes "
                f"with gradients see at most {Passes.NARROW} inputs, so more would change nothing."
            )

    def chosen(self) -> list[Statistic]:
        return [STATISTICS[name] for name in (STATISTICS if self.statistics is None else self.statistics)]

    def chosen_proxies(self) -> tuple[str, ...]:
        return tuple(PROXIES) if self.proxies is None else self.proxies

    def parts(self) -> list[Collection]:
        """The looks that this takes: one for the statistics, one for the classical proxies, where any are asked for."""
        inits = [replace(self, proxies=())] if self.chosen() or not self.chosen_proxies() else []
        if self.chosen_proxies():
            inits.append(replace(self, statistics=(), samples=self.proxy_samples))
        return inits


def look_at(space: SearchSpace, code: str, how: Collection, backward: bool = True) -> Passes:
    """One look at one untrained architecture. The batch is the same for all architectures of a space."""
    network = space.build(space.decode(code), seeded(space.name, code, how.seed, "weights")).to(how.device)
    inputs = space.inputs(how.samples, seeded(space.name, how.seed, "inputs")).to(how.device)
    return Passes(network, inputs, space.loss, seeded(space.name, how.seed, "probes"), backward)


def collect_one(space: SearchSpace, code: str, how: Collection, passes: Passes | None = None) -> Record:
    """Statistics, columns and state of health of one architecture; `passes` is made here unless it is given.

    Raises StatisticsError when the generator has no layers, no parameters, a non-finite output or a failing pass.
    """
    start = time.perf_counter()
    architecture = space.decode(code)
    chosen = how.chosen()
    backward = any(s.backward for s in chosen) or bool(how.chosen_proxies())
    try:
        passes = passes or look_at(space, code, how, backward)
        if not any(True for _ in passes.network.parameters()):
            raise StatisticsError(f"{code}: the generator has no parameters.")
        if not any(isinstance(m, WEIGHTED) for m in passes.network.modules()) or not passes.noise.layers:
            raise StatisticsError(f"{code}: the generator has no convolution or linear layer to look at.")
        if not torch.isfinite(passes.noise.output).all():
            raise StatisticsError(f"{code}: the untrained generator returns NaN or infinity.")
        values: dict[str, Any] = {}
        for statistic in chosen:
            value = statistic.function(passes, how.sizes)
            if statistic.type in LAYER_TYPES:
                value = [None if v is None else v.detach().cpu() for v in value]
            else:
                value = value.detach().cpu()
            values[statistic.name] = value
        columns = dict(space.describe(architecture)) if chosen and how.describe else {}
        for name in how.chosen_proxies():
            columns[name] = PROXIES[name].function(passes)
    except StatisticsError:
        raise
    except Exception as error:
        raise StatisticsError(f"{code}: looking at the generator failed: {type(error).__name__}: {error}") from error
    dead = space.dead(architecture) or _dead(passes)
    return Record(code, values, columns, dead, time.perf_counter() - start)


def _dead(passes: Passes) -> str:
    """Why a network has no meaningful statistics, or empty."""
    output = passes.noise.output.flatten(1)
    if len(output) > 1 and float(output.std(0).max()) <= 1e-7 * float(output.abs().max() + 1e-30):
        return "the output does not depend on the input"
    if passes.backward and all(float(layer.gradient.abs().max()) == 0 for layer in passes.noise.layers):
        return "all gradients are zero"
    return ""


def space_settings(space: SearchSpace) -> dict[str, Any]:
    """The public settings of a space, as given to its constructor."""
    return {k: v for k, v in sorted(vars(space).items()) if not k.startswith("_")}


def _task(name: str, settings: dict[str, Any], code: str, how: Collection, path: str) -> str:
    """Collects one architecture into the cache; returns an error text, empty when all went well."""
    with exact():
        try:
            record = collect_one(make_space(name, settings), code, how)
        except StatisticsError as error:
            if failures.lasting(error):
                failures.remember(Path(path), code, str(error))
            return str(error)
    cache.save(record, Path(path))
    failures.forget(Path(path))
    return ""


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
        retry: whether to look again at generators that failed in an earlier call, instead of recalling the reason.
        on_progress: called with (done, total) as looks finish.
    """
    hows = (how,) if isinstance(how, Collection) else how or (Collection(),)
    parts = [part for one in hows for part in one.parts()]
    settings = space_settings(space)
    codes = list(dict.fromkeys(codes))
    tasks, failed = [], {}
    for part in parts:
        for code, path in _paths(space, codes, part, cache_folder).items():
            if _readable(path):
                continue
            if reason := "" if retry else failures.recall(path):
                failed[code] = reason
            else:
                tasks.append((space.name, settings, code, part, str(path)))
    tasks = [task for task in tasks if task[2] not in failed]
    # A fixed shuffle spreads slow architectures over the run, which keeps the estimate of the time left honest.
    random.Random(0).shuffle(tasks)
    total = len(codes) * len(parts)
    done = total - len(tasks)
    on_progress(done, total)
    for task, error in run_tasks(_task, tasks, workers=workers, cluster=cluster):
        if error:
            failed[task[2]] = error
        done += 1
        on_progress(done, total)
    return {code: failed[code] for code in codes if code in failed}


def cached(space: SearchSpace, codes: Sequence[str], how: Collection, cache_folder: Path | None = None) -> bool:
    """Whether everything about the architectures lies in the cache."""
    return all(_readable(p) for part in how.parts() for p in _paths(space, codes, part, cache_folder).values())


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
    chosen = [s for s in how.chosen() if only is None or s.name in only or s.type is LayerScalar]
    names = tuple(s.name for s in chosen)
    first_part, *others = (_paths(space, kept, part, cache_folder) for part in how.parts())
    records = []
    for code in kept:
        record = _read(first_part[code], names)
        for paths in others:
            record.columns.update(_read(paths[code], ()).columns)
        records.append(record)
    return assemble(records), failed


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
    """Code -> its file in the cache; each code once."""
    settings, folder = space_settings(space), cache_folder or cache.folder()
    if not how.describe:
        settings = {**settings, "described": False}
    return {code: folder / cache.file_name(space, settings, code, how) for code in codes}

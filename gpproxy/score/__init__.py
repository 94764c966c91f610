"""Applies a proxy to architectures: `gpproxy score --space transnas-micro --proxy runs/... --sample 100`.

In: a formula, a run folder or an exported proxy.py, and architectures. Out: CSV lines `architecture,score` in input
order, on the terminal as they are found. Higher is better. Only what the formula needs is computed. With `--benchmark`
the scores are compared with the quality in a table; `--transfer` applies proxies to every table there is.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.run.settings import available_cores, parse_settings
from gpproxy.score.settings import ScoreSettings

if TYPE_CHECKING:
    from gpproxy.benchmarks.benchmark import Benchmark
    from gpproxy.proxies.proxy import Proxy
    from gpproxy.proxies.scored import Scored
    from gpproxy.search_spaces import SearchSpace

__all__ = ["ScoreSettings", "score"]


def score(
    config: ScoreSettings,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    on_remark: Callable[[str], None] = lambda text: None,
) -> Iterator[Scored]:
    """The scores in the order of the architectures, as they are found; independent of that order and of workers.

    Args:
        on_progress: called with (done, total).
        on_remark: called with a sentence on what was taken over from the proxy's run.

    Raises the errors of `gpproxy.errors`: an unknown space, architecture or statistic, a file that is missing.
    """
    yield from scores_of(config, proxy_of(config), on_progress, on_remark)


def scores_of(
    config: ScoreSettings, proxy: Proxy, on_progress: Callable[[int, int], None], on_remark: Callable[[str], None]
) -> Iterator[Scored]:
    """The same for a proxy that is read already."""
    from gpproxy.benchmarks.benchmark import open_space
    from gpproxy.execution.cluster import check_cluster
    from gpproxy.execution.devices import check_device
    from gpproxy.execution.scheduler import run_tasks
    from gpproxy.proxies.scorer import Setup, score_one, unscored
    from gpproxy.proxies.target import target_space
    from gpproxy.search_spaces.check import make_space

    check_device(config.device)
    check_cluster(config.place)
    settings = parse_settings(config.space_settings)
    table = table_of(config)
    if table is not None:
        space = open_space(table.card, **settings)
    else:
        name, settings, remark = target_space([proxy], config.space, settings)
        if remark:
            on_remark(remark)
        space = make_space(name, settings)
    if config.archs or table is None:
        codes = _read(config.archs, space) if config.archs else draw(space, config.sample, config.seed)
    else:
        codes = list(table.architectures)
        if config.sample:
            from gpproxy.seeds import python_random

            codes = python_random("sample", config.seed).sample(codes, min(config.sample, len(codes)))
    workers = (config.workers or available_cores()) if config.device == "cpu" else 1
    setup = Setup(
        space.name,
        tuple(asdict(space.settings).items()),
        (proxy,),
        config.device,
        sized=False,
        look_seconds=config.look_seconds,
    )
    tasks = [(i, code, setup) for i, code in enumerate(codes)]
    waiting: dict[int, Scored] = {}
    following = 0
    where: dict[str, Any] = {"workers": workers, "cluster": config.place, "gpus": float(config.device != "cpu")}
    for done, (task, found) in enumerate(run_tasks(score_one, tasks, left_out=unscored, **where), start=1):
        waiting[task[0]] = found
        on_progress(done, len(tasks))
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def proxy_of(config: ScoreSettings) -> Proxy:
    """The proxy, and how it looks at generators: as its run did where the settings say nothing else."""
    from gpproxy.proxies.proxy import Proxy
    from gpproxy.registry import load_plugin

    for plugin in config.plugins:
        load_plugin(plugin)
    return Proxy.load(config.proxy[0], config.init_seed, config.inputs, config.inits)


def table_of(config: ScoreSettings) -> Benchmark | None:
    """The table that the scores are compared with. Raises BenchmarkError, RegistryError when it is missing."""
    if not config.benchmark:
        return None
    from gpproxy.benchmarks.registry import load

    return load(config.benchmark)


def draw(space: SearchSpace, count: int, seed: int) -> list[str]:
    """Distinct random architectures. Raises ConfigError when the space has fewer."""
    if count > space.count():
        raise ConfigError(f"sample={count} is more than the {space.count()} architectures of {space.name}.")
    from gpproxy.seeds import python_random

    rng = python_random("sample", seed)
    if 2 * count > space.count():
        return [space.encode(a) for a in rng.sample(list(space.enumerate()), count)]
    found: dict[str, None] = {}
    while len(found) < count:
        found[space.encode(space.sample(rng))] = None
    return list(found)


def _read(path: str, space: SearchSpace) -> list[str]:
    """The architectures of a file, checked. Raises SpaceError with the line number of a bad one."""
    file = Path(path).expanduser()
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--archs expects a text file, one architecture per line, but {file}: {error}.") from error
    rows = [(number, cells) for number, cells in enumerate(csv.reader(lines), start=1) if any(map(str.strip, cells))]
    column = 0
    if rows and "architecture" in rows[0][1]:
        column = rows.pop(0)[1].index("architecture")
    codes = []
    for number, cells in rows:
        try:
            codes.append(space.encode(space.decode(cells[column].strip())))
        except (SpaceError, IndexError) as error:
            raise SpaceError(f"{file}, line {number}: {error or 'the column is missing.'}") from error
    if not codes:
        raise ConfigError(f"{file} has no architecture. Expected: one per line.")
    return codes

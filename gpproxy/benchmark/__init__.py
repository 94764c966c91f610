"""Tables of measured architectures: `python -m gpproxy.benchmark show autogan-cifar10`, and `check`, `build`.

In: the name or file of a table, or the settings of a build. Out: a description, the bad rows, or a new table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from gpproxy.benchmark.settings import BuildSettings
from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.run.command import read_arguments, read_settings, value_of
from gpproxy.run.settings import available_cores

if TYPE_CHECKING:
    from gpproxy.benchmark.console import BuildWatch
    from gpproxy.benchmark.survey import Survey
    from gpproxy.benchmarks.benchmark import Benchmark
    from gpproxy.run.terminal import Watch

__all__ = ["BuildSettings", "CheckConfig", "ShowConfig", "build", "check", "show"]

USAGE = """usage: python -m gpproxy.benchmark {show,check,build} ...

  show NAME|FILE  a table's card, its range, noise and ceiling, and how simple baselines rank it
  check FILE      every row of your own table that cannot be used, and why
  build           trains architectures spread over a space into a table; the same command continues

Each has --help."""


@dataclass(frozen=True)
class ShowConfig:
    """Shows a table: card, range, agreement of seeds, ceiling of any proxy, and how simple baselines rank it.

    Attributes:
        table: name of a table, or a CSV file with its card beside it.
        proxies: classical proxies to compute: 'all', 'none', or names joined by commas.
        init_seed: seed of the untrained weights and inputs that they see.
        on_bad_rows: what to do with rows that cannot be used: refuse or drop.
        device: where proxies are computed: cpu, cuda, cuda:1, ...
        workers: processes; 0 takes all cores.
        plugins: Python file that registers search spaces or tables.
    """

    table: tyro.conf.Positional[str]
    proxies: str = "all"
    init_seed: int = 0
    on_bad_rows: str = "refuse"
    device: str = "cpu"
    workers: int = 0
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckConfig:
    """Checks a table of your own: every row that cannot be used is named with its number and the rule that it breaks.

    Attributes:
        table: CSV file with its card beside it, or the name of a table.
        plugins: Python file that registers search spaces or tables.
    """

    table: tyro.conf.Positional[str]
    plugins: tuple[str, ...] = ()


def show(config: ShowConfig, watch: Watch | None = None) -> Survey:
    """What there is to know about a table. Raises the errors of `gpproxy.errors`."""
    from gpproxy.benchmark.survey import survey
    from gpproxy.benchmarks.benchmark import open_space
    from gpproxy.benchmarks.registry import load
    from gpproxy.execution.devices import check_device
    from gpproxy.proxies.named import chosen_proxies
    from gpproxy.registry import load_plugin
    from gpproxy.run.terminal import Watch

    for plugin in config.plugins:
        load_plugin(plugin)
    check_device(config.device)
    proxies = chosen_proxies(config.proxies)
    table = load(config.table, config.on_bad_rows)
    with watch or Watch() as seen:
        return survey(
            table,
            open_space(table.card),
            proxies,
            init_seed=config.init_seed,
            device=config.device,
            workers=(config.workers or available_cores()) if config.device == "cpu" else 1,
            on_progress=lambda done, total: seen.progress(f"classical proxies of {table.name}", done, total),
        )


def check(config: CheckConfig) -> tuple[Benchmark | None, list[str]]:
    """The usable part of a table, None where nothing is, and one sentence per bad row.

    Raises BenchmarkError for a file or a card that cannot be read at all.
    """
    from gpproxy.benchmarks.benchmark import open_space
    from gpproxy.benchmarks.csv_table import read_card, read_table, table_path, table_rows
    from gpproxy.benchmarks.registry import load
    from gpproxy.benchmarks.rows import sift
    from gpproxy.registry import load_plugin

    for plugin in config.plugins:
        load_plugin(plugin)
    if Path(config.table).suffix.lower() not in (".csv", ".toml"):
        table = load(config.table, "drop")
        return table, list(map(str, table.dropped))
    path = table_path(config.table)
    card = read_card(path)
    good, bad = sift(table_rows(path, card), card, open_space(card))
    return (read_table(path, card, "drop") if good else None), list(map(str, bad))


def build(settings: BuildSettings, watch: BuildWatch | None = None, dry_run: bool = False) -> Path:
    """Trains what a table still lacks and returns its path; the same settings continue after any end.

    Args:
        dry_run: only tells the watch what would be trained.

    Raises the errors of `gpproxy.errors`, and Interrupted on Ctrl-C when the running steps are done.
    """
    from gpproxy.benchmark.console import BuildWatch, build_watched

    return build_watched(settings, watch or BuildWatch(), dry_run)


def _show(arguments: Sequence[str]) -> int:
    from gpproxy.benchmark.survey_table import survey_table
    from gpproxy.run.tables import told_width
    from gpproxy.run.terminal import Terminal

    watch = Terminal()
    found = show(read_arguments(ShowConfig, arguments, "benchmark show"), watch)
    for line in survey_table(found, told_width(watch.console)):
        watch.console.print(line, soft_wrap=True, no_wrap=True, crop=False)
    return 0


def _check(arguments: Sequence[str]) -> int:
    from rich.console import Console

    from gpproxy.benchmark.survey_table import check_lines

    config = read_arguments(CheckConfig, arguments, "benchmark check")
    table, bad = check(config)
    console = Console(highlight=False)
    for line in check_lines(config.table, table, bad):
        console.print(line, markup=False, soft_wrap=True)
    return 1 if bad or table is None else 0


def _build(arguments: Sequence[str]) -> int:
    from gpproxy.benchmark.console import BuildTerminal

    out, table = value_of("--out", arguments) or "", value_of("--benchmark", arguments) or ""
    default = None
    if out or table:
        from gpproxy.benchmark.kept import begun

        default = begun(out, table)
    settings, given = read_settings(BuildSettings, arguments, "benchmark build", default, DryRun)
    build(settings, BuildTerminal(), given.dry_run)
    return 0


@dataclass(frozen=True)
class DryRun:
    """What only a command line needs.

    Attributes:
        dry_run: only say what would be trained and how long it would take.
    """

    dry_run: bool = False


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code."""
    commands = {"show": _show, "check": _check, "build": _build}
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if arguments else 1
    if arguments[0] not in commands:
        hint = did_you_mean(arguments[0], commands)
        raise ConfigError(f"gpproxy.benchmark can {', '.join(commands)}, but not '{arguments[0]}'.{hint}")
    return commands[arguments[0]](arguments[1:])

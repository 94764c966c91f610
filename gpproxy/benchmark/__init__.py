"""Tables of measured architectures: `gpproxy benchmark show autogan-cifar10`, and `check`, `build`, `estimate`.

In: the name or file of a table, or the settings of a build. Out: a description, the bad rows, or a new table.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gpproxy.benchmark.estimate_settings import EstimateSettings
from gpproxy.benchmark.settings import BuildSettings
from gpproxy.benchmark.table_settings import CheckSettings, ShowSettings
from gpproxy.run.settings import available_cores

if TYPE_CHECKING:
    from gpproxy.benchmark.console import BuildWatch
    from gpproxy.benchmark.estimate import Estimated
    from gpproxy.benchmark.survey import Survey
    from gpproxy.benchmarks.benchmark import Benchmark
    from gpproxy.run.terminal import Watch

__all__ = ["BuildSettings", "CheckSettings", "ShowSettings", "EstimateSettings", "build", "check", "estimate", "show"]


def show(config: ShowSettings, watch: Watch | None = None) -> Survey:
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
    table = load(config.benchmark, config.on_bad_rows)
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


def check(config: CheckSettings) -> tuple[Benchmark | None, list[str]]:
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
    if Path(config.benchmark).suffix.lower() not in (".csv", ".toml"):
        table = load(config.benchmark, "drop")
        return table, list(map(str, table.dropped))
    path = table_path(config.benchmark)
    card = read_card(path)
    good, bad = sift(table_rows(path, card), card, open_space(card))
    return (read_table(path, card, "drop") if good else None), list(map(str, bad))


def estimate(settings: EstimateSettings, watch: Watch | None = None) -> list[Estimated]:
    """How well estimators rank a table and what they cost, in their order; the same settings continue after any end.

    Raises the errors of `gpproxy.errors`, and KeyboardInterrupt on Ctrl-C when the running step is done.
    """
    from gpproxy.benchmark.estimate import estimate_table
    from gpproxy.run.interrupt import patient
    from gpproxy.run.terminal import Watch

    with watch or Watch() as seen, patient() as patience:
        patience.waiting = True
        return estimate_table(settings, seen, lambda: patience.asked)


def build(settings: BuildSettings, watch: BuildWatch | None = None, dry_run: bool = False) -> Path:
    """Trains what a table still lacks and returns its path; the same settings continue after any end.

    Args:
        dry_run: only tells the watch what would be trained.

    Raises the errors of `gpproxy.errors`, and Interrupted on Ctrl-C when the running steps are done.
    """
    from gpproxy.benchmark.console import BuildWatch, build_watched

    return build_watched(settings, watch or BuildWatch(), dry_run)

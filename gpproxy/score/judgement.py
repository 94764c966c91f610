"""How good scores are, for `gpproxy score`: against the labels of one table, or proxies on every table there is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from rich.console import Console

from gpproxy.benchmarks.benchmark import Benchmark, open_space
from gpproxy.execution.cluster import check_cluster
from gpproxy.execution.devices import check_device
from gpproxy.files import write_atomically
from gpproxy.proxies.provenance import training_provenance
from gpproxy.proxies.proxy import Proxy
from gpproxy.ranking.equivalence import functional_classes
from gpproxy.ranking.metrics import RankingMetrics
from gpproxy.ranking.top_k import choices
from gpproxy.registry import load_plugin
from gpproxy.run.command import complain
from gpproxy.run.console import usual_console
from gpproxy.run.settings import available_cores, parse_settings
from gpproxy.run.tables import with_interval
from gpproxy.run.terminal import Terminal
from gpproxy.score.settings import ScoreSettings
from gpproxy.score.table import as_csv, choice_cells, matrix, regrets, spread
from gpproxy.score.transfer import columns, transfer

#: Fewest labelled architectures that scores are judged by.
FEWEST = 4


def judge(table: Benchmark, scores: Mapping[str, float], proxy: Proxy, config: ScoreSettings) -> None:
    """Prints, on standard error, how well scores rank the labelled architectures and what choosing by them buys.

    What the proxy has learnt from, and its functional twins, is left out.

    Args:
        scores: architecture -> score, higher is better, -inf for a dead network, NaN without a value.
        proxy: what they come from.
    """
    known, past = table.values, training_provenance(proxy)
    space = open_space(table.card, **parse_settings(config.space_settings))
    if reason := past.unknown_of(space):
        complain(f"The scores are not judged: {reason}.")
        return
    every = [code for code in scores if code in known]
    codes = past.held_out(every, space)
    if len(codes) < len(every):
        complain(f"{len(every) - len(codes)} architectures that it has learnt from, or twins of them, are left out.")
    if len(codes) < FEWEST:
        complain(f"{table.name} has {len(codes)} of the {len(scores)} architectures, too few to judge the scores by.")
        return
    part = table.select(codes)
    values = torch.tensor([scores[code] for code in codes], dtype=torch.float64)
    dead = [code for code in codes if scores[code] == -math.inf]
    metrics = RankingMetrics(part, dead, functional_classes(codes, space), seed=config.seed)
    row = metrics.measure(values)
    console = usual_console(stderr=True)
    spearman, kendall = with_interval(row, "spearman"), with_interval(row, "kendall")
    _say(console, f"{table.name}, {row['n']} architectures, 95 % intervals: ρ {spearman}, τ {kendall}")
    for choice in choices(metrics.last(values), part.quality):
        k, chosen, at_random, best = choice_cells(choice, table.card)
        _say(console, f"best of {k}: {table.card.metric} {chosen} by proxy, {at_random} at random; best of all {best}")


def show_transfer(config: ScoreSettings) -> None:
    """Prints the transfer matrix and the regrets, and writes their numbers to `config.out`."""
    for plugin in config.plugins:
        load_plugin(plugin)
    check_device(config.device)
    check_cluster(config.place)
    proxies = [Proxy.load(text, config.init_seed, config.inputs, config.inits) for text in config.proxy]
    places = columns(config.benchmarks)
    with Terminal(usual_console(stderr=True)) as watch:
        assert isinstance(watch, Terminal)
        cells = transfer(
            proxies,
            places,
            sample=config.sample,
            max_params=config.max_params,
            max_macs=config.max_macs,
            seed=config.seed,
            workers=config.workers or available_cores(),
            device=config.device,
            cluster=config.place,
            look_seconds=config.look_seconds,
            on_progress=lambda name, done, total: watch.progress(f"looking at {name}", done, total),
        )
    console = usual_console()
    for measure in ("spearman", "kendall"):
        for show in (matrix, spread):
            for table in show(cells, places, measure, console.width):
                console.print(table)
    if any(cell.home for cell in cells):
        _say(
            console,
            "* discovered there; what it has learnt from or was chosen by is left out, and all functional twins. An "
            "interval says what other networks would give; what another formula would, those of several splits say "
            "(evolve --seeds)",
        )
    for shown in regrets(cells, places):
        console.print(shown)
    for told in dict.fromkeys(f"{cell.benchmark}: {cell.missing}" for cell in cells if cell.missing):
        _say(console, told)
    if config.out:
        file = Path(config.out).expanduser()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, as_csv(cells, places))


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=not console.is_terminal)

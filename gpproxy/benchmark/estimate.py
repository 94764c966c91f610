"""Estimators side by side on one table: rank correlation, seconds per architecture and before the first, break-even.

In: EstimateSettings. Out: a row per estimator; in the folder every estimate as it is made (`estimates.jsonl`, which the
same command continues), the table as CSV and the correlation against the price as a picture. Estimates are made one at
a time with one thread, so that seconds are those of one core.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch

from gpproxy.benchmark.estimate_settings import EstimateSettings
from gpproxy.benchmark.settings import from_meaning
from gpproxy.benchmarks.benchmark import Benchmark, open_space
from gpproxy.benchmarks.registry import load
from gpproxy.errors import ConfigError, GPProxyError
from gpproxy.estimators.estimator import Estimator, Price, estimate, left_out
from gpproxy.estimators.proxy import ProxyEstimator
from gpproxy.estimators.registry import Request, names, open_estimator
from gpproxy.estimators.settings import HERE
from gpproxy.execution.cluster import check_cluster
from gpproxy.execution.devices import check_device
from gpproxy.execution.scheduler import run_tasks
from gpproxy.execution.task import Stop, never
from gpproxy.execution.threads import torch_threads
from gpproxy.files import append_event, read_events, write_atomically
from gpproxy.pictures.estimators import estimators_picture
from gpproxy.proxies.provenance import training_provenance
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.size import Size
from gpproxy.ranking.equivalence import functional_classes
from gpproxy.ranking.metrics import FEWEST, RankingMetrics, Row
from gpproxy.registry import load_plugin
from gpproxy.run.folder import AGAIN, RESULT
from gpproxy.run.locks import alone
from gpproxy.run.reading import reading
from gpproxy.run.settings import part_of
from gpproxy.run.terminal import Watch
from gpproxy.search_spaces.check import make_space
from gpproxy.tasks.settings import TrainingSettings

#: Files in the folder: every estimate, the table, the picture.
JOURNAL, TABLE, PICTURE = "estimates.jsonl", "estimates.csv", "estimates.png"


@dataclass(frozen=True)
class Estimated:
    """One estimator on a table.

    Attributes:
        name: as it was asked for.
        label: what it computes.
        metrics: of `RankingMetrics.measure`; higher is better.
        price: seconds before the first estimate, and of one.
        told: where the seconds before the first come from, or empty.
        cheaper_from: architectures from which the first estimator of the list is cheaper; 0 where it always is,
            infinite where it never is, NaN for itself.
    """

    name: str
    label: str
    metrics: Row
    price: Price
    told: str = ""
    cheaper_from: float = math.nan


def estimate_table(config: EstimateSettings, watch: Watch, stop: Stop = never) -> list[Estimated]:
    """Every estimator on the table, in the order in which they were asked for, without what a proxy has learnt from.

    Raises ConfigError for what an estimator lacks, KeyboardInterrupt when `stop` has ended it, with all saved.
    """
    for plugin in config.plugins:
        load_plugin(plugin)
    check_device(config.device)
    check_cluster(config.place)
    table = load(config.benchmark)
    estimators = [_opened(text, table, config) for text in config.estimator]
    table = table.select(_judged(table, estimators)[: config.rows or None])
    for one in estimators:
        one.open(watch.note)
    folder = config.folder
    folder.mkdir(parents=True, exist_ok=True)
    with torch_threads(), alone(folder, "comparison of estimators"):
        found = [_estimated(one, table, folder, config, watch, stop) for one in estimators]
    first = found[0].price
    found = [replace(one, cheaper_from=first.cheaper_from(one.price)) if i else one for i, one in enumerate(found)]
    _write(found, folder)
    return found


def _judged(table: Benchmark, estimators: Sequence[Estimator]) -> Sequence[str]:
    """The architectures that no proxy has learnt from: the same for all estimators, so that they can be compared.

    Raises ConfigError where a proxy does not tell what it has learnt from, or leaves too few.
    """
    space = open_space(table.card)
    codes: Sequence[str] = table.architectures
    for proxy in (proxy for one in estimators if isinstance(one, ProxyEstimator) for proxy in one.setup.proxies):
        past = training_provenance(proxy)
        if reason := past.unknown_of(space):
            raise ConfigError(f"{proxy.label} cannot be compared on {table.name}: {reason}.")
        codes = past.held_out(codes, space)
    if len(codes) < FEWEST:
        raise ConfigError(
            f"The proxies have learnt from all but {len(codes)} architectures of {table.name}, and {FEWEST} are needed "
            "to compare. Give proxies of the same split, or another table."
        )
    return codes


def _opened(text: str, table: Benchmark, config: EstimateSettings) -> Estimator:
    """An estimator of the space of a table: proxies look as the card says, trainings are those of the card."""
    kind = text.partition(":")[0]
    proxy = kind == "proxy" or kind not in names()
    name = text if kind == "proxy" or not proxy else f"proxy:{text}"
    card = table.card
    space = open_space(card) if proxy else make_space(card.space, dict(card.space_settings))

    def training() -> TrainingSettings:
        if "settings" not in card.facts:
            raise ConfigError(f"The card of {table.name} does not say how it was trained, so '{text}' cannot train so.")
        found = from_meaning(card.facts["settings"], device=config.device, data_folder=config.data_folder)
        return part_of(TrainingSettings, found)

    request = Request(name, space, device=config.device, plain=True, training=training, shared=config, seed=config.seed)
    return open_estimator(request)


def _estimated(
    one: Estimator, table: Benchmark, folder: Path, config: EstimateSettings, watch: Watch, stop: Stop
) -> Estimated:
    name = one.name.removeprefix("proxy:")
    key = {
        "estimator": name,
        "device": config.device,
        "seed": config.seed,
        "what": blake2b(repr(one).encode(), digest_size=8).hexdigest(),
    }
    asked = set(table.architectures)
    events = (event for event in read_events(folder / JOURNAL) if _matches(event, key))
    known = {event["code"]: event for event in events if event["code"] in asked}
    left = [code for code in table.architectures if code not in known]
    if left:
        one.prepare(watch.note, stop)
    tasks = [(one, [code], {code: Size(math.nan, math.nan)}) for code in left]
    place = "" if one.name.partition(":")[0] in HERE else config.place
    watch.progress(name, len(table) - len(left), len(table))
    for (_, (code,), _), ((scored,), work) in run_tasks(
        estimate, tasks, cluster=place, gpus=float(config.device != "cpu"), left_out=left_out
    ):
        score = scored.score if math.isfinite(scored.score) else None
        event = {**key, "code": code, "score": score, "dead": scored.dead, "seconds": work.seconds}
        append_event(folder / JOURNAL, event)
        known[code] = event
        watch.progress(name, len(known), len(table))
        if stop() and len(known) < len(table):
            raise KeyboardInterrupt
    rows = [known[code] for code in table.architectures]
    scores = torch.tensor([math.nan if row["score"] is None else row["score"] for row in rows], dtype=torch.float64)
    dead = [row["code"] for row in rows if row["dead"]]
    space = open_space(table.card)
    metrics = RankingMetrics(table, dead, functional_classes(table.architectures, space)).measure(scores)
    seconds = sorted(float(row["seconds"]) for row in rows)
    before, told = _before(one)
    return Estimated(name, " + ".join(one.labels), metrics, Price(before, seconds[len(seconds) // 2]), told)


def _matches(event: Mapping[str, Any], key: Mapping[str, Any]) -> bool:
    return all(event.get(name) == value for name, value in key.items())


def _before(one: Estimator) -> tuple[float, str]:
    """Seconds before the first estimate, and what they were spent on."""
    if not isinstance(one, ProxyEstimator):
        return one.set_up, "shared training" if one.set_up else ""
    labels = discovery = 0.0
    for proxy in one.setup.proxies:
        labels, discovery = labels + _labels(proxy), discovery + _discovery(proxy)
    told = f"labels {labels:,.0f} s, evolution {discovery:,.0f} s" if labels or discovery else ""
    return labels + discovery, told


def _labels(proxy: Proxy) -> float:
    """Seconds of the trainings that a proxy has learnt from or was chosen by, as far as the tables' cards say."""
    total = 0.0
    for name in proxy.benchmarks:
        try:
            table = load(name)
        except GPProxyError:
            continue  # a table that is not here any more
        held_out = len(training_provenance(proxy).held_out(table.architectures, open_space(table.card)))
        facts, learnt = table.card.facts, 1 - held_out / len(table)
        total += learnt * float(facts.get("seconds_per_training", 0.0)) * float(facts.get("trainings", 0.0))
    return total


def _discovery(proxy: Proxy) -> float:
    """Seconds of the evolution that a proxy comes from, without the statistics that it has learnt from."""
    path = Path(proxy.run) / RESULT if proxy.run else None
    if path is None or not path.is_file():
        return 0.0
    with reading(path, AGAIN):
        return float(json.loads(path.read_text(encoding="utf-8")).get("seconds", 0.0))


def lines_of(found: list[Estimated]) -> Iterator[dict[str, Any]]:
    """Plain numbers of every row, for the CSV file."""
    for one in found:
        row = one.metrics
        yield {
            "estimator": one.name,
            "n": row["n"],
            **{m: row[m] for m in ("spearman", "kendall")},
            **dict(zip(("spearman_low", "spearman_high"), row["spearman_interval"])),
            **dict(zip(("kendall_low", "kendall_high"), row["kendall_interval"])),
            "seconds_each": one.price.each,
            "seconds_before": one.price.set_up,
            "before": one.told,
            "first_is_cheaper_from": one.cheaper_from,
        }


def _write(found: list[Estimated], folder: Path) -> None:
    rows, stream = list(lines_of(found)), io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(folder / TABLE, stream.getvalue())
    points = [(one.name, one.price.each, one.metrics) for one in found]
    write_atomically(folder / PICTURE, estimators_picture(points))

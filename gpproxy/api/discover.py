"""`gpproxy.discover`: a proxy from generators of one's own and what they were worth once trained, in five lines.

In: functions that return fresh, untrained modules, their measured quality, a batch of inputs. Out: a ProxyFunction,
and a run folder with everything that `gpproxy evolve` leaves there: split, intervals, baselines, verdict, report.
"""

from __future__ import annotations

import inspect
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.api.proxies import Inputs, Loss, ProxyFunction
from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.csv_table import write_table
from gpproxy.benchmarks.split import SMALLEST, TESTED, usual_sizes
from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.evolve import EvolveSettings, run
from gpproxy.evolve.advice import USEFUL
from gpproxy.evolve.console import EvolveTerminal, EvolveWatch
from gpproxy.proxies.proxy import Proxy
from gpproxy.ranking.power import architectures_for
from gpproxy.search_spaces import SEARCH_SPACES, Batch, ChoiceSpace
from gpproxy.search_spaces.choice import mean_square

#: Fewest labels that can be split into three parts, and those whose test can show a useful proxy: it takes a quarter.
FEWEST = 3 * SMALLEST
ENOUGH = TESTED * architectures_for(USEFUL)
#: Settings below that number: thousands of formulas more would only fit a handful of labels by chance.
FEW = {"population": 120, "generations": 12, "patience": 6}


def discover(
    networks: Mapping[str, Callable[[], nn.Module]],
    quality: Mapping[str, float | Sequence[float]],
    *,
    inputs: Inputs,
    loss: Loss = mean_square,
    lower_is_better: bool = False,
    metric: str = "quality",
    out: str | Path = "",
    quiet: bool = False,
    **settings: Any,
) -> ProxyFunction:
    """Evolves a proxy on networks of one's own, as honestly as the command: split, intervals, baselines, ceiling.

    Args:
        networks: name -> function that returns a fresh, untrained module; ordinary random initialisation will do, it
            is seeded here.
        quality: name -> measured quality of the trained network, or of several trainings of it: their spread gives
            the ceiling. Names without a network, or the reverse, are refused.
        inputs: a batch that every network takes, `sample x ...`; several tensors as in `Batch`.
        loss: `loss(outputs, batch)`, one number, of the pass at initialisation.
        lower_is_better: which way the quality is better.
        metric: what the quality is called.
        out: the run folder; empty makes `runs/<time>-own-s<seed>`.
        quiet: whether to show nothing.
        settings: of `gpproxy evolve`, such as generations=20, seed=1. Where the labels are too few to show anything,
            fewer formulas are tried than there by default (`FEW`).

    Raises ConfigError for what does not fit together, with the number of labels that it takes.
    """
    _check(networks, quality, loss, settings)
    batch = inputs if isinstance(inputs, Batch) else Batch(inputs)
    codes = _codes(networks)
    name = next(n for n in ("own", *(f"own-{i}" for i in range(2, 10_000))) if n not in SEARCH_SPACES)
    builders = dict(zip(codes.values(), networks.values()))

    def build(network: str) -> nn.Module:
        return builders[network]()

    def given(count: int, generator: torch.Generator) -> Batch:
        return batch.first(count)

    ChoiceSpace({"network": tuple(codes.values())}, build, inputs=given, loss=loss, name=name)
    seed = int(settings.get("seed", 0))
    folder = Path(out).expanduser() if out else Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}-own-s{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    table = write_table(
        folder / "labels.csv", _card(name, metric, lower_is_better, quality), _rows(codes, quality, metric)
    )
    watch = EvolveWatch() if quiet else EvolveTerminal()
    small = len(networks) < ENOUGH
    if small:
        watch.note(few(len(networks), int(settings.get("train", 0)), int(settings.get("validation", 0))))
    chosen = {"inputs": len(batch), "workers": 1, **(FEW if small else {}), **settings}
    with _private_cache(folder / "statistics"):
        run(EvolveSettings(**chosen, benchmark=str(table), out=str(folder)), watch)
    return ProxyFunction(Proxy.load(str(folder)), batch, loss)


def few(labels: int, train: int = 0, validation: int = 0) -> str:
    """What so few labels can tell, in a sentence; sizes of the split as in the settings, 0 for the usual ones."""
    test = max(labels - sum(usual_sizes(labels, train or None, validation or None)), 0)
    return (
        f"{labels} labels leave {test} networks for the test. A proxy with τ {USEFUL:g} is told from chance by "
        f"{architectures_for(USEFUL)} of them, which takes about {ENOUGH} labels; expect a verdict that says so."
    )


def _check(
    networks: Mapping[str, Any], quality: Mapping[str, Any], loss: Callable[..., Any], settings: Mapping[str, Any]
) -> None:
    for one, other, what in ((networks, quality, "quality"), (quality, networks, "network")):
        if missing := [name for name in one if name not in other]:
            hint = did_you_mean(missing[0], list(other))
            raise ConfigError(f"There is no {what} named '{missing[0]}' ({len(missing)} are missing).{hint}")
    if len(networks) < FEWEST:
        raise ConfigError(
            f"{len(networks)} labels are too few to learn from and to test: {FEWEST} can be divided into training, "
            f"validation and test, about {ENOUGH} can show that a proxy of τ {USEFUL:g} is no chance."
        )
    for name, network in networks.items():
        if isinstance(network, nn.Module) or not callable(network):
            raise ConfigError(
                f"networks['{name}'] must be a function that returns a fresh module, such as a class or "
                f"`lambda: Generator(32)`, but is a {type(network).__name__}: every initialisation is a new network."
            )
    for name, value in quality.items():
        if not all(math.isfinite(one) for one in _trainings(value)) or not _trainings(value):
            raise ConfigError(f"quality['{name}'] must be a finite number, or several, but is {value!r}.")
    parameters = inspect.signature(loss).parameters.values()
    if len([p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]) < 2:
        raise ConfigError("loss is called as loss(outputs, batch): write `def my_loss(outputs, batch): ...`.")
    for name in ("benchmark", "out", "space_settings", "seeds"):
        if name in settings:
            raise ConfigError(f"discover sets {name} itself; it takes the other settings of gpproxy evolve.")


def _codes(names: Mapping[str, Any]) -> dict[str, str]:
    """Name -> code: without the signs that join the choices of a code."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[_,\s]+", "-", str(name)).strip("-") or "network"
        code, number = plain, 2
        while code in found.values():
            code, number = f"{plain}-{number}", number + 1
        found[name] = code
    return found


def _trainings(value: float | Sequence[float]) -> list[float]:
    if isinstance(value, Tensor):
        return [float(one) for one in value.flatten()]
    return [float(one) for one in value] if isinstance(value, Sequence) else [float(value)]


def _card(space: str, metric: str, lower: bool, quality: Mapping[str, float | Sequence[float]]) -> Card:
    counts = {len(_trainings(value)) for value in quality.values()}
    return Card(
        space=space,
        metric=metric,
        direction="lower" if lower else "higher",
        seeds=counts.pop() if len(counts) == 1 else 0,
        source="given to gpproxy.discover",
        seed_column="seed",
    )


def _rows(
    codes: Mapping[str, str], quality: Mapping[str, float | Sequence[float]], metric: str
) -> list[dict[str, Any]]:
    return [
        {"architecture": codes[name], "seed": number, metric: value}
        for name in codes
        for number, value in enumerate(_trainings(quality[name]))
    ]


@contextmanager
def _private_cache(folder: Path) -> Iterator[None]:
    """Statistics in a folder of their own, removed afterwards: nothing tells that functions of a session changed."""
    before = os.environ.get("GPPROXY_CACHE")
    os.environ["GPPROXY_CACHE"] = str(folder.resolve())
    try:
        yield
    finally:
        if before is None:
            del os.environ["GPPROXY_CACHE"]
        else:
            os.environ["GPPROXY_CACHE"] = before
        shutil.rmtree(folder, ignore_errors=True)

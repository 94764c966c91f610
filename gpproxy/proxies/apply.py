"""Applies one proxy to one architecture: in go a Source and a code, out comes a number.

Every architecture is looked at on its own, so that its score depends on no other and on no order.
"""

from __future__ import annotations

import importlib.util
import inspect
import math
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from deap import gp
from torch import Tensor, nn

from gpproxy.errors import ConfigError, StatisticsError
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.structure import needs
from gpproxy.expressions.text import parse
from gpproxy.proxies.proxy import Source
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.check import make_space
from gpproxy.seeds import seeded
from gpproxy.statistics.assemble import assemble
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collect import Collection, collect_one
from gpproxy.statistics.exact import exact
from gpproxy.statistics.statistic import STATISTICS


@dataclass(frozen=True)
class Scored:
    """One architecture. `score` is -inf for a dead network and NaN where the proxy has no value; `problem` says why.

    A `failed` architecture could not be looked at and has no score. `spread` is the standard deviation of the score
    over the initialisations that were averaged, None for a single one.
    """

    architecture: str
    score: float
    problem: str = ""
    failed: bool = False
    spread: float | None = None


def look_of(source: Source, device: str = "cpu") -> Collection:
    """How a proxy looks at a generator: at what it needs, and at nothing else."""
    return Collection(
        seed=source.seed,
        samples=source.samples,
        sizes=source.sizes,
        statistics=needs(source.tree) if source.formula else (),
        proxies=(source.classical,) if source.classical else (),
        device=device,
        describe=False,
    )


def apply_one(number: int, code: str, name: str, settings: dict[str, Any], source: Source, how: Collection) -> Scored:
    """The score of one architecture, the mean over the initialisations of the source; `number` only names the task."""
    space = make_space(name, settings)
    with exact():
        found = [_apply(space, code, source, replace(how, seed=how.seed + i)) for i in range(source.inits)]
    worst = next((one for one in found if one.failed or not math.isfinite(one.score)), None)
    if worst is not None or source.inits == 1:
        return worst or found[0]
    scores = [one.score for one in found]
    return Scored(code, statistics.fmean(scores), spread=statistics.stdev(scores))


def _apply(space: SearchSpace, code: str, source: Source, how: Collection) -> Scored:
    if source.path:
        architecture = space.decode(code)
        if dead := space.dead(architecture):
            return Scored(code, -math.inf, f"dead: {dead}")
        network = space.build(architecture, seeded(space.name, code, how.seed, "weights")).to(how.device)
        inputs = space.inputs(how.samples, seeded(space.name, how.seed, "inputs")).to(how.device)
        try:
            value = call_file(source.path, network, inputs, space, how.seed)
            return Scored(code, value, "dead" if value == -math.inf else "")
        except ConfigError:
            raise
        except Exception as error:
            return Scored(code, math.nan, f"{type(error).__name__}: {error}", failed=True)
    try:
        record = collect_one(space, code, how)
    except StatisticsError as error:
        return Scored(code, math.nan, str(error).removeprefix(f"{code}: "), failed=True)
    if record.dead:
        return Scored(code, -math.inf, f"dead: {record.dead}")
    if source.classical:
        value = PROXIES[source.classical].direction * float(record.columns[source.classical])
        return Scored(code, value, "no value" if math.isnan(value) else "")
    found = Evaluator(assemble([record]).to(how.device)).scores([_formula(source.formula)])
    return Scored(code, float(found.values[0, 0]), found.reasons[0] or "")


def call_file(path: str, network: nn.Module, inputs: Tensor, space: SearchSpace, seed: int) -> float:
    """What the `score` function of a file says of a generator; it is given the loss and the seed where it takes them.

    Raises ConfigError as `exported`, and whatever the function raises.
    """
    function = exported(path)
    known = {"loss": space.loss, "seed": seed}
    accepted = inspect.signature(function).parameters
    return float(function(network, inputs, **{name: value for name, value in known.items() if name in accepted}))


def exported(path: str) -> Callable[..., float]:
    """The `score` function of an exported proxy, read again when the file has changed.

    Raises ConfigError when the file has none or fails to import.
    """
    return _exported(path, os.stat(path).st_mtime_ns)


@lru_cache(maxsize=8)
def _exported(path: str, changed: int) -> Callable[..., float]:
    spec = importlib.util.spec_from_file_location("gpproxy_exported", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"The proxy {path} failed to import: {type(error).__name__}: {error}") from error
    if not callable(getattr(module, "score", None)):
        raise ConfigError(f"The proxy {path} has no function score(generator, inputs).")
    return module.score


@cache
def _formula(text: str) -> gp.PrimitiveTree:
    return parse(text, Grammar({statistic.name: statistic.type for statistic in STATISTICS.values()}))

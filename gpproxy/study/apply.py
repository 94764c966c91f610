"""Applies one proxy to one architecture: in go a formula or an exported file and a code, out comes a number.

Every architecture is looked at on its own, so that its score depends on no other and on no order.
"""

from __future__ import annotations

import importlib.util
import inspect
import math
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from deap import gp

from gpproxy.errors import ConfigError, StatisticsError
from gpproxy.expressions.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.structure import needs
from gpproxy.expressions.text import parse
from gpproxy.statistics.assemble import assemble
from gpproxy.statistics.collect import Collection, collect_one, make_space, one_thread, seeded
from gpproxy.statistics.statistic import STATISTICS
from search_spaces import SearchSpace


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


def needed(proxy: str) -> tuple[str, ...]:
    """The statistics of a formula; none for the path of an exported file."""
    return () if proxy.endswith(".py") else needs(_formula(proxy))


def apply_one(
    number: int, code: str, name: str, settings: dict[str, Any], proxy: str, how: Collection, looks: int = 1
) -> Scored:
    """The score of one architecture, the mean over `looks` initialisations; `number` only names the task."""
    space = make_space(name, settings)
    with one_thread():
        found = [_apply(space, code, proxy, replace(how, seed=how.seed + i)) for i in range(looks)]
    worst = next((one for one in found if one.failed or not math.isfinite(one.score)), None)
    if worst is not None or looks == 1:
        return worst or found[0]
    scores = [one.score for one in found]
    return Scored(code, statistics.fmean(scores), spread=statistics.stdev(scores))


def _apply(space: SearchSpace, code: str, proxy: str, how: Collection) -> Scored:
    if proxy.endswith(".py"):
        architecture = space.decode(code)
        if dead := space.dead(architecture):
            return Scored(code, -math.inf, f"dead: {dead}")
        network = space.build(architecture, seeded(space.name, code, how.seed, "weights")).to(how.device)
        inputs = space.inputs(how.samples, seeded(space.name, how.seed, "inputs")).to(how.device)
        function = exported(proxy)
        known = {"loss": space.loss, "seed": how.seed}
        accepted = inspect.signature(function).parameters
        try:
            value = float(function(network, inputs, **{k: v for k, v in known.items() if k in accepted}))
            return Scored(code, value, "dead" if value == -math.inf else "")
        except Exception as error:
            return Scored(code, math.nan, f"{type(error).__name__}: {error}", failed=True)
    try:
        record = collect_one(space, code, how)
    except StatisticsError as error:
        return Scored(code, math.nan, str(error).removeprefix(f"{code}: "), failed=True)
    if record.dead:
        return Scored(code, -math.inf, f"dead: {record.dead}")
    found = Evaluator(assemble([record]).to(how.device)).scores([_formula(proxy)])
    return Scored(code, float(found.values[0, 0]), found.reasons[0] or "")


@cache
def exported(path: str) -> Callable[..., float]:
    """The `score` function of an exported proxy. Raises ConfigError when the file has none or fails to import."""
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

"""Passes through one untrained architecture, and what is collected from them: a function of space, code and Collection.

In: a space, a code, a Collection. Out: a Record. Nothing is cached here, and nothing else decides what a record holds:
the name of a file in the cache follows from what this module, the statistics and the space import.
"""

from __future__ import annotations

import math
import time
from typing import Any

import torch

from gpproxy.errors import StatisticsError
from gpproxy.primitives.types import AXES, LAYER_TYPES
from gpproxy.search_spaces import SearchSpace
from gpproxy.seeds import seeded
from gpproxy.statistics.absent import AbsentPass
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.exact import exact
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.record import Record
from gpproxy.statistics.undisturbed import frozen_whole

#: Why a network is dead that only gradients show to be so.
NO_GRADIENTS = "all gradients are zero"


def look_at(space: SearchSpace, code: str, how: Collection, backward: bool = True) -> Passes:
    """One look at one untrained architecture. The batch is the same for all architectures of a space."""
    with torch.device("cpu"):  # whatever device is the default: weights and inputs are drawn here
        network = space.build(space.decode(code), seeded(space.name, code, how.seed, "weights")).to(how.device)
        batch = space.batch(how.samples, seeded(space.name, how.seed, "inputs")).to(how.device)
    for parameter in frozen_whole(network):
        parameter.requires_grad_(True)
    return Passes(network, batch, space.loss, seeded(space.name, how.seed, "probes"), backward)


@exact()
def collect_one(space: SearchSpace, code: str, how: Collection, passes: Passes | None = None) -> Record:
    """Statistics, columns and state of health of one architecture; `passes` is made here unless it is given.

    Raises StatisticsError when the generator has no layers, no parameters, a non-finite output or a failing pass, or
    when less than half of it is seen.
    """
    start = time.perf_counter()
    architecture = space.decode(code)
    chosen = how.chosen()
    try:
        passes = passes or look_at(space, code, how, how.backward)
        if not any(True for _ in passes.network.parameters()):
            raise StatisticsError(f"{code}: the generator has no parameters.")
        if not passes.noise.layers:
            raise StatisticsError(f"{code}: the generator has no convolution or linear layer to look at.")
        if not torch.isfinite(passes.noise.output).all():
            raise StatisticsError(f"{code}: the untrained generator returns NaN or infinity.")
        if passes.seen.refused:
            raise StatisticsError(f"{code}: {passes.seen.refused}")
        values: dict[str, Any] = {}
        absent: dict[str, str] = {}
        for statistic in chosen:
            try:
                value = statistic.function(passes, how.sizes)
            except AbsentPass as error:
                absent[statistic.name] = str(error)
                value = _missing(statistic.type, len(passes.noise.layers))
            if statistic.type in LAYER_TYPES:
                value = [None if v is None else v.detach().cpu() for v in value]
            else:
                value = value.detach().cpu()
            values[statistic.name] = value
        columns = dict(space.describe(architecture)) if chosen and how.describe else {}
        for name in how.chosen_proxies():
            try:
                columns[name] = PROXIES[name].function(passes)
                if math.isnan(columns[name]):
                    absent[name] = "Its value is no finite number for this generator."
            except AbsentPass as error:
                absent[name], columns[name] = str(error), math.nan
    except StatisticsError:
        raise
    except Exception as error:
        raise StatisticsError(f"{code}: looking at the generator failed: {type(error).__name__}: {error}") from error
    dead = space.dead(architecture) or _dead(passes)
    return Record(code, values, columns, dead, time.perf_counter() - start, absent, passes.seen.told)


def described(space: SearchSpace, code: str) -> Record:
    """The structural descriptors of an architecture alone; nothing is built. Raises StatisticsError where one fails."""
    start = time.perf_counter()
    try:
        columns = dict(space.describe(space.decode(code)))
    except Exception as error:
        raise StatisticsError(f"{code}: describing it failed: {type(error).__name__}: {error}") from error
    return Record(code, {}, columns, "", time.perf_counter() - start)


def piece_of(record: Record, piece: Collection) -> Record:
    """The part of a record that a look at a piece alone would have made, but for its seconds."""
    statistics, proxies = {s.name for s in piece.chosen()}, piece.chosen_proxies()
    if piece.descriptors_only:
        columns = {name: value for name, value in record.columns.items() if name not in PROXIES}
        return Record(record.architecture, {}, columns, "", record.seconds)
    return Record(
        record.architecture,
        {name: value for name, value in record.values.items() if name in statistics},
        {name: value for name, value in record.columns.items() if name in proxies},
        "" if record.dead == NO_GRADIENTS and not piece.backward else record.dead,
        record.seconds,
        {name: reason for name, reason in record.absent.items() if name in (*statistics, *proxies)},
        record.note,
    )


def _missing(kind: type, layers: int) -> list[None] | torch.Tensor:
    """The value of a statistic whose pass the generator does not allow."""
    return (
        [None] * layers
        if kind in LAYER_TYPES
        else torch.full((1,) * AXES[kind], torch.nan, dtype=torch.float64, device="cpu")
    )


def _dead(passes: Passes) -> str:
    """Why a network has no meaningful statistics, or empty."""
    output = passes.noise.output.flatten(1)
    if len(output) > 1 and float(output.std(0).max()) <= 1e-7 * float(output.abs().max() + 1e-30):
        return "the output does not depend on the input"
    if passes.backward and all(
        layer.gradient is not None and float(layer.gradient.abs().max()) == 0 for layer in passes.noise.layers
    ):
        return NO_GRADIENTS
    return ""

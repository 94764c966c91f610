"""The engine's value of a formula for one network: a look at the network in, one number or the reason of none out."""

from __future__ import annotations

import math

from deap import gp

from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.structure import needs
from gpproxy.primitives.types import LAYER_TYPES
from gpproxy.statistics.absent import AbsentPass
from gpproxy.statistics.assemble import assemble
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.record import Record
from gpproxy.statistics.statistic import STATISTICS


def engine_value(tree: gp.PrimitiveTree, passes: Passes, sizes: Sizes) -> tuple[float, str]:
    """The score of the network that `passes` looks at, NaN with a reason where the formula has none."""
    values: dict = {}
    for name in (*needs(tree), "depth"):  # some statistic per layer, which tells the table how many layers there are
        statistic = STATISTICS[name]
        try:
            value = statistic.function(passes, sizes)
        except AbsentPass as absent:
            return math.nan, str(absent)
        if statistic.type in LAYER_TYPES:
            values[name] = [None if v is None else v.detach().cpu() for v in value]
        else:
            values[name] = value.detach().cpu()
    scores = Evaluator(assemble([Record("network", values, {}, "", 0.0)])).scores([tree])
    return float(scores.values[0, 0]), scores.reasons[0] or ""

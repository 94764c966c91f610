"""Which layers make the score of the best and of the worst training network: plain rows for result.json.

In: the chosen formula and the training architectures. Out: one row per layer reducer of the formula, with what it
reduces, layer by layer. Nothing is chosen by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deap import gp

from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.fold import operands
from gpproxy.expressions.nodes import Operation
from gpproxy.expressions.notation.pretty import to_pretty
from gpproxy.expressions.structure import key
from gpproxy.primitives.types import LayerScalar
from gpproxy.ranking.metrics import Row

#: Ends of the ranking that are shown.
EXTREMES = ("best", "worst")


def layer_rows(tree: gp.PrimitiveTree, evaluator: Evaluator) -> list[Row]:
    """One row per distinct reducer of numbers per layer, outer ones first; empty where the formula has none.

    Keys: `reducer` and `operand` for reading; `region` of the depth, empty for all; `best` and `worst`, by score: the
    `network`, its `depth` and `values`, one for each layer that has one.
    """
    found: dict[bytes, tuple[gp.PrimitiveTree, gp.PrimitiveTree]] = {}
    for at, node in enumerate(tree):
        if isinstance(node, Operation) and node.primitive.over_layers and node.args[0] is LayerScalar:
            part = gp.PrimitiveTree(tree[tree.searchSubtree(at)])
            found.setdefault(key(part), (part, operands(part)[0]))
    scores = evaluator.scores([tree])
    if not found or scores.reasons[0] is not None:
        return []
    live = [place for place, score in enumerate(scores.values[0].tolist()) if score == score]
    order = sorted(live, key=lambda place: -float(scores.values[0, place]))
    values = evaluator.per_layer([operand for _, operand in found.values()])
    rows = []
    for (part, operand), numbers in zip(found.values(), values):
        if numbers is None:
            continue
        row: Row = {"reducer": to_pretty(part), "operand": to_pretty(operand), "region": part[0].primitive.region}
        for end, place in zip(EXTREMES, (order[0], order[-1])):
            row[end] = {"network": evaluator.table.architectures[place], **_layers(evaluator, place, numbers[place])}
        rows.append(row)
    return rows


def _layers(evaluator: Evaluator, place: int, numbers: Sequence[float]) -> dict[str, Any]:
    pairs = [
        (at, value) for at, value in zip(evaluator.table.depth[place].tolist(), numbers) if at == at and value == value
    ]
    pairs.sort()
    return {"depth": [round(at, 6) for at, _ in pairs], "values": [value for _, value in pairs]}

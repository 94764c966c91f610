"""A formula as the body of a Python function: nested calls of its operations, what is used twice gets a name."""

from __future__ import annotations

from deap import gp

from gpproxy.export import runtime
from gpproxy.export.bundle import Bundle, Key
from gpproxy.expressions.evaluation.graph import Graph
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.expressions.text import to_text
from gpproxy.primitives.types import LAYER_TYPES, LayerScalar, Scalar
from gpproxy.statistics.statistic import STATISTICS

#: Longer expressions get a name of their own.
LINE = 90


class FormulaCode:
    """The code of one formula inside a bundle, which takes in its operations and statistics.

    Attributes:
        operations, statistics, helpers: their keys.
    """

    def __init__(self, tree: gp.PrimitiveTree, bundle: Bundle, name: str = "formula"):
        self._tree, self._bundle, self._name = tree, bundle, name
        self._graph = Graph([tree])
        self.operations: list[Key] = []
        self.statistics: list[Key] = []
        self.helpers: list[Key] = []
        self._key: dict[str, Key] = {}
        for node in self._graph.nodes:
            if isinstance(node, Operation):
                self._key[node.name + "()"] = key = bundle.add(node.primitive.function, node.name)
                self.operations.append(key)
                self._helper(self._caller(node))
            elif isinstance(node, Constant):
                self._helper("number")
            else:
                self._key[node.name] = key = bundle.add(STATISTICS[node.name].function, f"{node.name}_statistic")
                self.statistics.append(key)
                self._helper(self._taker(node))

    def text(self) -> str:
        """The function `formula(look)`, by the name that it was given."""
        graph = self._graph
        uses = [0] * len(graph)
        for below in graph.operands:
            for j in below:
                uses[j] += 1
        lines: list[str] = []
        written: list[str] = []
        for i, node in enumerate(graph.nodes):
            text = self._code(node, [written[j] for j in graph.operands[i]])
            if uses[i] > 1 and not isinstance(node, Constant) or len(text) > LINE and i < len(graph) - 1:
                lines.append(f"    v{len(lines) + 1} = {text}")
                text = f"v{len(lines)}"
            written.append(text)
        body = "\n".join([*lines, f"    return {written[graph.roots[0]]}"])
        shown = to_text(self._tree).replace("\\", "")
        return f'def {self._name}(look):\n    """{shown}, one number in a tensor of shape (1,)."""\n{body}'

    def _helper(self, name: str) -> None:
        self._key[name + "*"] = key = self._bundle.add(getattr(runtime, name))
        self.helpers.append(key)

    def _code(self, node: Operation | Leaf, operands: list[str]) -> str:
        name = self._bundle.name
        if isinstance(node, Constant):
            return f"{name(self._key['number*'])}({node.value!r})"
        if not isinstance(node, Operation):
            taker = name(self._key[self._taker(node) + "*"])
            return f"{taker}({name(self._key[node.name])}(look, SIZES))"
        caller = self._caller(node)
        options = ""
        if caller == "each":
            shaped = [i for i, a in enumerate(node.args) if a in LAYER_TYPES and a is not LayerScalar]
            alike = tuple(i for i in shaped if node.args[i] is node.args[shaped[0]])
            if len(alike) < len(shaped):
                options += f", alike={alike if len(alike) > 1 else ()}"
            if len(alike) > 1 and not node.primitive.equal_shapes:
                options += ", axes=1"
            if node.ret is LayerScalar:
                options += ", scalar=True"
        elif node.ret is not Scalar:
            options = ", scalar=False"
        function = name(self._key[node.name + "()"])
        return f"{name(self._key[caller + '*'])}({', '.join([function, *operands])}{options})"

    @staticmethod
    def _caller(node: Operation) -> str:
        if node.primitive.over_layers:
            return "across"
        return "each" if any(a in LAYER_TYPES for a in node.args) else "once"

    @staticmethod
    def _taker(node: Leaf) -> str:
        if node.ret is LayerScalar:
            return "per_layer_number"
        return "per_layer" if node.ret in LAYER_TYPES else "per_network"

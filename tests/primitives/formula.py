"""A second reader of formulas, for tests only: Python's own parser, types from the registry, layers in a loop."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import torch
from torch import Tensor

from gpproxy.primitives import PRIMITIVES, TYPES, LayerScalar, Scalar, types
from gpproxy.primitives.declaration import Primitive, Signature

INFIX = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}

#: The terminals that formulas in these tests use.
TERMINALS: dict[str, type] = {
    **dict.fromkeys(("activation", "gradient", "perturbed", "preactivation", "input", "other"), types.FeatureMap),
    **dict.fromkeys(("weight", "weight_gradient", "ones_gradient"), types.Weight),
    "kernel": types.SampleKernel,
    "spectrum": types.Spectrum,
    "vector": types.ChannelVector,
    "agreement": types.SampleKernel,
    "input_gradient_correlation": types.NetworkKernel,
    "total": types.NetworkKernel,
    **dict.fromkeys(("params", "macs", "fan_in", "score"), types.LayerScalar),
}


def _resolve(node: ast.expr) -> tuple[Primitive, list[ast.expr]]:
    if isinstance(node, ast.BinOp):
        symbol = INFIX[type(node.op)]
        infix = next(p for p in PRIMITIVES.values() if p.symbol == symbol and p.group == "augment")
        return infix, [node.left, node.right]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return PRIMITIVES["neg"], [node.operand]
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name), ast.dump(node)
    return PRIMITIVES[node.func.id], node.args


def signature_of(node: ast.expr, terminals: Mapping[str, type]) -> tuple[Primitive, Signature, list[ast.expr]]:
    primitive, operands = _resolve(node)
    inputs = tuple(type_of(o, terminals) for o in operands)
    signature = primitive.signature(inputs)
    assert signature is not None, f"{primitive.name} has no overload for {[t.__name__ for t in inputs]}"
    return primitive, signature, operands


def type_of(node: ast.expr | str, terminals: Mapping[str, type] = TERMINALS) -> type:
    """The type of a formula."""
    if isinstance(node, str):
        node = ast.parse(node, mode="eval").body
    if isinstance(node, ast.Constant):
        return Scalar
    if isinstance(node, ast.Name):
        return terminals[node.id]
    return signature_of(node, terminals)[1].output


def value_of(formula: ast.expr | str, layers: Mapping[str, list[Tensor]]) -> Tensor | list[Tensor]:
    """The value of a formula for one network; `layers` holds a tensor per layer for each terminal.

    Layer values come as lists with one tensor per layer, network values as one tensor.
    """
    node = ast.parse(formula, mode="eval").body if isinstance(formula, str) else formula
    if isinstance(node, ast.Constant):
        return torch.tensor(float(node.value), dtype=torch.float64)
    if isinstance(node, ast.Name):
        return layers[node.id] if TERMINALS[node.id] in types.LAYER_TYPES else layers[node.id][0]
    primitive, signature, operands = signature_of(node, TERMINALS)
    values = [value_of(o, layers) for o in operands]
    if primitive.over_layers:
        depth = torch.linspace(0, 1, len(values[0]), dtype=torch.float64).unsqueeze(0)
        return primitive.function(*(torch.stack(list(v)).unsqueeze(0) for v in values), depth)[0]
    if not any(t in types.LAYER_TYPES for t in signature.inputs):
        given = [v.unsqueeze(0) for v in values]
        axes = max(g.ndim for g in given)
        return primitive.function(*(g.view(-1, *g.shape[1:], *[1] * (axes - g.ndim)) for g in given))[0]
    count = next(len(v) for v in values if isinstance(v, list))
    each = [v if isinstance(v, list) else [v] * count for v in values]
    found = [primitive.function(*(v[i].unsqueeze(0) for v in each))[0] for i in range(count)]
    return [f.double() for f in found] if signature.output is LayerScalar else found


assert set(TERMINALS.values()) <= set(TYPES)

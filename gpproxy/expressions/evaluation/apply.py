"""One operation on the values of all architectures and layers at once.

In: an operation and its operands' values (`layout.Held`). Out: its value, or a `Fault` when it has none. Three ways,
chosen by the operand types: block by block for shape-carrying types, one dense `architecture x layer` tensor for layer
scalars, one tensor over architectures for network types; a layer reducer leads from the first two to the third.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gpproxy.expressions.evaluation.layout import Blocks, Held, Layout, Layouts, Presence, Scalars
from gpproxy.expressions.nodes import Operation
from gpproxy.primitives.types import AXES, LAYER_TYPES, LayerScalar, Scalar

#: Layer types held as blocks.
BLOCK_TYPES = tuple(t for t in LAYER_TYPES if t is not LayerScalar)
#: Errors of the machine: they say nothing about a formula.
MACHINE = re.compile(r"out of memory|not enough memory|allocat|alloc_failed|cuda error|cudnn", re.IGNORECASE)


@dataclass(frozen=True)
class Fault:
    """Why a subtree has no value; every formula that holds it is invalid."""

    reason: str


class _NoValue(Exception):
    """A primitive that gave up; the text says which."""


def apply(op: Operation, operands: Sequence[Held | Fault], layouts: Layouts) -> Held | Fault:
    """The value of `op` on these operands. A fault passes through, and a primitive that fails makes one.

    Raises what is no fault of the formula, such as a lack of memory.
    """
    for operand in operands:
        if isinstance(operand, Fault):
            return operand
    try:
        if op.primitive.over_layers:
            return _over_layers(op, operands, layouts)
        for operand in operands:
            if isinstance(operand, Blocks):
                return _blocks(op, operands, layouts)
        for operand in operands:
            if isinstance(operand, Scalars):
                return _layer_scalars(op, operands, layouts)
        return _network(op, operands)
    except _NoValue as error:
        return Fault(str(error))


def _call(op: Operation, *operands: Tensor) -> Tensor:
    """The value of the primitive. Raises _NoValue when it fails on these operands."""
    try:
        return op.primitive.function(*operands)
    except torch.linalg.LinAlgError as error:
        raise _NoValue(f"no convergence ({op.name})") from error
    except (RuntimeError, ValueError) as error:
        if MACHINE.search(str(error)):
            raise
        raise _NoValue(f"{type(error).__name__} ({op.name})") from error


def _network(op: Operation, operands: Sequence[Any]) -> Tensor | Fault:
    if len(operands) > 1:
        axes = max(AXES[a] for a in op.args)
        if axes:
            dtype = next(v.dtype for v, a in zip(operands, op.args) if a is not Scalar)
            operands = [_trail(v.to(dtype), axes) if a is Scalar else v for v, a in zip(operands, op.args)]
            if len({v.shape[1:] for v, a in zip(operands, op.args) if a is not Scalar}) > 1:
                return Fault("network values of different size")
    value = _call(op, *_promoted(operands))
    return value.to(torch.float64) if op.ret is Scalar else value


def _promoted(operands: Sequence[Tensor]) -> list[Tensor]:
    """All in the widest dtype among them: a few statistics are float64, and matrix products do not promote."""
    dtype = operands[0].dtype
    for operand in operands[1:]:
        dtype = torch.promote_types(dtype, operand.dtype)
    return [operand.to(dtype) for operand in operands]


def _layer_scalars(op: Operation, operands: Sequence[Any], layouts: Layouts) -> Scalars:
    if len(operands) == 1:
        presence = operands[0].presence
        value = _call(op, operands[0].values)
    else:
        presence = layouts.both([v.presence for v in operands if isinstance(v, Scalars)])
        value = _call(op, *[v.values if isinstance(v, Scalars) else _trail(v, 1) for v in operands])
    value = value.to(torch.float64)
    return Scalars(presence, value if presence.full else value.masked_fill(presence.absent, 0.0))


def _blocks(op: Operation, operands: Sequence[Any], layouts: Layouts) -> Held:
    if len(operands) == 1:
        layout = operands[0].layout
        values = [_call(op, v) for v in operands[0].values]
    else:
        layout, blocks = _joined(op, operands, layouts)
        values = [_call(op, *_promoted(block)) for block in blocks]
    if op.ret is not LayerScalar:
        return layouts.merge(layout, values)
    rows = layouts.shape[0] * layouts.shape[1]
    every = torch.cat(values).to(torch.float64) if values else layouts.depth.new_zeros(0)
    dense = torch.zeros(rows, dtype=torch.float64, device=every.device).index_copy_(0, layout.all_rows, every)
    return Scalars(layout.presence, dense.view(layouts.shape))


def _joined(op: Operation, operands: Sequence[Any], layouts: Layouts) -> tuple[Layout, list[list[Tensor]]]:
    """The common layout and per block the operands, numbers spread over the block's rows."""
    shaped = [i for i, v in enumerate(operands) if isinstance(v, Blocks)]
    first = op.args[shaped[0]]
    # Operands of one type need equal shapes; without `equal_shapes` the samples must still be as many.
    axes = AXES[first] if op.primitive.equal_shapes else 1
    agree = [axes if op.args[i] is first else 0 for i in shaped]
    layout, parts = layouts.join([operands[i] for i in shaped], agree)
    for value in operands:
        if isinstance(value, Scalars) and value.presence is not layout.presence:
            layout, steps = layouts.restrict(layout, value.presence)
            parts = [[p if keep is None else p[keep] for p in parts[i]] for i, keep in steps]
    blocks = []
    for rows, part in zip(layout.rows, parts):
        given = dict(zip(shaped, part))
        for i, value in enumerate(operands):
            if i not in given:
                flat = value.values.reshape(-1)[rows] if isinstance(value, Scalars) else value[rows // layouts.shape[1]]
                given[i] = _trail(flat.to(part[0].dtype), part[0].ndim - 1)
        blocks.append([given[i] for i in range(len(operands))])
    return layout, blocks


def _over_layers(op: Operation, operands: Sequence[Any], layouts: Layouts) -> Tensor | Fault:
    presence = layouts.both([
        v.layout.presence if isinstance(v, Blocks) else v.presence for v in operands if not isinstance(v, Tensor)
    ])  # fmt: skip
    if not presence.common:
        return Fault("no common layers")
    arguments = []
    for value in operands:
        if isinstance(value, Blocks):
            dense = _dense(value, presence, layouts)
            if dense is None:
                return Fault("layers of different size")
            arguments.append(dense)
        elif isinstance(value, Scalars):
            same = value.presence is presence
            arguments.append(value.values if same else value.values.masked_fill(presence.absent, 0.0))
        else:
            arguments.append(_trail(value, 1))
    value = _call(op, *arguments, presence.depth)
    return value.to(torch.float64) if op.ret is Scalar else value


def _dense(value: Blocks, presence: Presence, layouts: Layouts) -> Tensor | None:
    """`architecture x layer x ...`, zero where absent; None when the layers differ in shape."""
    if len(value.values) != 1:
        return None
    block = value.values[0]
    rows = layouts.shape[0] * layouts.shape[1]
    dense = block.new_zeros((rows, *block.shape[1:])).index_copy_(0, value.layout.rows[0], block)
    if presence is not value.layout.presence:
        dense[presence.absent.view(-1)] = 0
    return dense.view(*layouts.shape, *block.shape[1:])


def _trail(value: Tensor, axes: int) -> Tensor:
    """`k` as `k x 1 x ...` with that many trailing axes."""
    return value.view(-1, *(1,) * axes) if axes else value

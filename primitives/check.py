"""Lets a primitive prove its promises on small probe tensors. In: a primitive. Out: nothing, or PrimitiveError.

One batch of probes holds zeros, a constant, negatives, values near 1e-18 and near 1e18, and random numbers; a second
one is as small as a value can be (one channel, one pixel, two samples, one layer). It runs at every registration, so
it is kept short. What a primitive declares beyond its types is tested in `gpproxy.primitives.declared`.
"""

from __future__ import annotations

import functools
import keyword
import random
from typing import NoReturn

import torch
from torch import Tensor

from gpproxy.errors import PrimitiveError
from gpproxy.primitives.declaration import Primitive, Signature
from gpproxy.primitives.types import (
    AXES,
    TYPES,
    ChannelKernel,
    ChannelVector,
    FeatureMap,
    LayerScalar,
    NetworkKernel,
    NetworkSpectrum,
    SampleKernel,
    SampleVector,
    Scalar,
    Spectrum,
    Weight,
)

#: Batch of a probe: one item of each kind of values.
BATCH = 6
SCALARS = (LayerScalar, Scalar)
KERNELS = (SampleKernel, ChannelKernel, NetworkKernel)
#: Shapes of one value: the probe, and the smallest value there is.
SHAPES: dict[type, tuple[tuple[int, ...], tuple[int, ...]]] = {
    FeatureMap: ((5, 3, 4, 2), (2, 1, 1, 1)),
    Weight: ((3, 8), (1, 1)),
    SampleKernel: ((5, 5), (2, 2)),
    ChannelKernel: ((3, 3), (1, 1)),
    SampleVector: ((5,), (2,)),
    ChannelVector: ((3,), (1,)),
    Spectrum: ((3,), (1,)),
    NetworkKernel: ((5, 5), (2, 2)),
    NetworkSpectrum: ((5,), (1,)),
    LayerScalar: ((), ()),
    Scalar: ((), ()),
}
#: Results whose size is that of an axis of the operands.
SIZES: dict[type, tuple[int, int]] = {
    SampleKernel: (5, 2), NetworkKernel: (5, 2), SampleVector: (5, 2), ChannelKernel: (3, 1), ChannelVector: (3, 1),
}  # fmt: skip


@functools.cache
def probe(kind: type, number: int, small: bool, dtype: torch.dtype, layers: int = 0) -> Tensor:
    """Operand `number` of a type: `batch [x layers] x shape`, the same tensor every time."""
    shape = SHAPES[kind][small]
    middle = (layers,) if layers else ()
    generator = torch.Generator().manual_seed(17 * number + layers + small)
    x = torch.randn(BATCH, *middle, *shape, generator=generator, dtype=torch.float64)
    if kind in KERNELS:
        # The last two items are kernels as they come, positive semi-definite; the others have any symmetric values.
        x = x + x.mT
        x[4:] = x[4:] @ x[4:].mT
    x[0] = 0.0
    x[1] = 3.3 + number
    x[2] = -x[2].abs()
    x[3] *= 1e-18
    x[4] *= 1e18
    if small:  # So that a huge value meets zero, and a constant a tiny one.
        x = x.roll(number, 0)
    return x.to(dtype)


@functools.cache
def depths(layers: int) -> Tensor:
    """Positions of layers, `architecture x layer`: all present, gaps, one layer, none."""
    depth = torch.linspace(0, 1, layers, dtype=torch.float64).repeat(BATCH, 1)
    depth[1, 1::2] = torch.nan
    depth[2, 1:] = torch.nan
    depth[3] = torch.nan
    return depth


def operands(primitive: Primitive, signature: Signature, small: bool, dtype: torch.dtype) -> list[Tensor]:
    """Probe tensors for one overload, with the depths last for a layer reducer."""
    kinds = signature.inputs
    if primitive.over_layers:
        layers = 1 if small else 7
        depth = depths(layers)
        made = []
        for number, kind in enumerate(kinds):
            x = probe(kind, number, small, dtype, layers)
            made.append(x.masked_fill(depth.isnan().view(*depth.shape, *[1] * (x.ndim - 2)), 0.0))
        return [*made, depth]
    mixed = Scalar in kinds and any(kind is not Scalar for kind in kinds)
    made = []
    for number, kind in enumerate(kinds):
        layers = 0 if kind is not LayerScalar else int(mixed) if small else 4
        x = probe(kind, number, small, dtype, layers)
        if kind is FeatureMap and number and not (primitive.equal_shapes or small):
            x = x[:, :, :2]
        made.append(x.unsqueeze(1) if mixed and kind is Scalar else x)
    return made


def check(primitive: Primitive) -> None:
    """Raises PrimitiveError with the first promise that `primitive` breaks."""
    _check_declaration(primitive)
    state, numbers = torch.get_rng_state(), random.getstate()
    try:
        for signature in primitive.signatures:
            _check_values(primitive, signature)
    finally:
        drew = not torch.equal(torch.get_rng_state(), state) or random.getstate() != numbers
        torch.set_rng_state(state)
        random.setstate(numbers)
        if drew:  # Said even when the result broke another promise: it is the cause.
            refuse(primitive, signature, "draws random numbers", "Take what is random from the statistics")


def _check_declaration(primitive: Primitive) -> None:
    name, signatures = primitive.name, primitive.signatures
    reason = ""
    if not name.isidentifier() or keyword.iskeyword(name):
        reason = "its name is not a word that a formula can hold; use letters, digits and underscores"
    elif primitive.group not in ("transform", "encode", "reduce", "augment"):
        reason = f"its group '{primitive.group}' is none of transform, encode, reduce, augment"
    elif not signatures:
        reason = "it has no signature; give at least one"
    elif not primitive.cost > 0:
        reason = f"its cost {primitive.cost} is not positive; give the number of passes over the operand"
    elif primitive.symbol is not None and primitive.symbol not in tuple("+-*/"):
        reason = f"its symbol '{primitive.symbol}' is none of + - * /"
    elif len({s.inputs for s in signatures}) < len(signatures):
        reason = "two of its signatures have the same operands; keep one"
    for signature in signatures:
        unknown = [t for t in (*signature.inputs, signature.output) if t not in TYPES]
        if unknown or not signature.inputs:
            reason = (
                f"its signature {signature} must have one operand or more, of the types in gpproxy.primitives.types"
            )
        elif primitive.over_layers and signature.output not in (Scalar, NetworkKernel):
            reason = f"it reduces the layers, so {signature} must end in Scalar or NetworkKernel"
        elif primitive.commutative and len(signature.inputs) != 2:
            reason = f"it is commutative, so {signature} must have two operands"
        elif primitive.symbol and len(signature.inputs) != 2 and (primitive.symbol, len(signature.inputs)) != ("-", 1):
            reason = f"it is infix, so {signature} must have two operands (one only for a minus)"
    if reason:
        raise PrimitiveError(f"The primitive '{name}' is refused: {reason}.")


def _check_values(primitive: Primitive, signature: Signature) -> None:
    given = operands(primitive, signature, False, torch.float32)
    result = _call(primitive, signature, given)
    _check_result(primitive, signature, given, result, small=False)
    if not torch.equal(_call(primitive, signature, given), result):
        refuse(primitive, signature, "gives another result the second time", "Make it a pure function")
    half = BATCH // 2
    for part in (slice(None, half), slice(half, None)):
        if not _near(_call(primitive, signature, [x[part] for x in given]), result[part]):
            advice = "Compute every item of the leading batch axis by itself"
            refuse(primitive, signature, "lets the items of the batch depend on each other", advice)
    if primitive.commutative:
        turned = [given[1], given[0], *given[2:]]
        if signature.inputs[0] is signature.inputs[1] and not _near(_call(primitive, signature, turned), result):
            refuse(primitive, signature, "is declared commutative, but is not", "Drop commutative=True")
    given = operands(primitive, signature, True, torch.float64)
    _check_result(primitive, signature, given, _call(primitive, signature, given), small=True)


def _call(primitive: Primitive, signature: Signature, given: list[Tensor]) -> Tensor:
    lent = [x.clone() for x in given]
    try:
        result = primitive.function(*lent)
    except Exception as error:
        shapes = ", ".join(" x ".join(map(str, x.shape)) for x in given)
        raise PrimitiveError(
            f"The primitive '{primitive.name}' {signature} is refused: it fails on operands of shape {shapes} with "
            f"{type(error).__name__}: {error}. It must take any batch, down to one channel and one pixel."
        ) from error
    if not isinstance(result, Tensor):
        refuse(primitive, signature, f"returns {type(result).__name__}", "Return one tensor")
    for before, after in zip(given, lent, strict=True):
        # The NaN of absent layers does not equal itself, its bits do.
        if not torch.equal(before, after) and not torch.equal(_bits(before), _bits(after)):
            refuse(primitive, signature, "changes its operand", "Work on a copy: others read the same tensor")
    return result


def _bits(x: Tensor) -> Tensor:
    return x.view(torch.int64 if x.dtype == torch.float64 else torch.int32)


def _check_result(primitive: Primitive, signature: Signature, given: list[Tensor], result: Tensor, small: bool) -> None:
    output = signature.output
    first = given[0]
    if result.dtype != first.dtype or result.device != first.device:
        got = f"turns {first.dtype} on {first.device} into {result.dtype} on {result.device}"
        refuse(primitive, signature, got, "Keep dtype and device")
    if output in SCALARS and not primitive.over_layers and any(t in SCALARS for t in signature.inputs):
        right = result.shape == max((x.shape for x in given), key=torch.Size.numel)
    else:
        right = result.ndim == 1 + AXES[output] and result.shape[0] == BATCH and result.numel() > 0
        if output in SIZES:
            right = right and all(size == SIZES[output][int(small)] for size in result.shape[1:])
    if not right:
        shape = " x ".join(map(str, result.shape)) or "one number"
        operand = ", ".join(" x ".join(map(str, x.shape)) for x in given)
        refuse(primitive, signature, f"gives {shape} for operands {operand}", f"Return a batch of {output.__name__}")
    finite = result.isfinite()
    if not finite.all():
        kinds = ("zeros", "a constant", "negatives", "values near 1e-18", "values near 1e18", "random numbers")
        item = kinds[int((~finite.reshape(len(finite), -1).all(1)).nonzero()[0])]
        what = f"is not finite on {item}" + (" or on what they meet" if len(given) > 1 else "")
        refuse(primitive, signature, f"{what} ({str(first.dtype)[6:]})", "Protect it (see gpproxy.primitives.numerics)")
    if output in KERNELS and not _near(result.mT, result):
        refuse(primitive, signature, "gives a kernel that is not symmetric", "Return (K + K.mT) / 2")


def _near(a: Tensor, b: Tensor) -> bool:
    """Equal within rounding, item by item, on the scale of the item."""
    if a.shape != b.shape:
        return False
    if torch.equal(a, b):
        return True
    flat = b.reshape(len(b), -1)
    scale = flat.abs().amax(1, keepdim=True)
    return bool(((a.reshape(len(b), -1) - flat).abs() <= 1e-4 * scale + 1e-30).all())


def refuse(primitive: Primitive, signature: Signature, what: str, advice: str) -> NoReturn:
    """Raises PrimitiveError: what is wrong with which overload, and what to do."""
    raise PrimitiveError(f"The primitive '{primitive.name}' {signature} is refused: it {what}. {advice}.")

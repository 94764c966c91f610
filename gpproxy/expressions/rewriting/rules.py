"""The laws that `rewrite` applies, as tables of primitive names and patterns.

Every law keeps the value: bit for bit, or to rounding in float64 where it stands under `DOUBLE`. None drops an operand,
since an operand also decides which layers are present. A name that a grammar lacks switches its law off.
"""

from __future__ import annotations

REGIONS = ("layers", "early", "middle", "late")


def _regions(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}_{region}" for name in names for region in REGIONS)


#: f(-x) = f(x), so f(neg(x)) -> f(x).
EVEN = frozenset((
    "abs", "sqrt", "square", "log", "std", "norm", "norm1", "mean_abs", "rms", "entropy", "dynamic_range", "kurtosis",
    "std_per_channel", "std_per_sample", "norm_per_channel", "norm_per_sample", "spread_samples", "spread_channels",
    "spread_space", "total_variation", "edges", "attention_space", "attention_channels", "std_samples", "std_channels",
    "std_space", "share", "participation_ratio", "singular_values", *_regions("std"),
))  # fmt: skip

#: f(|x|) = f(x), so f(abs(x)) -> f(x).
ABSOLUTE = frozenset((
    "abs", "sqrt", "square", "log", "norm", "norm1", "mean_abs", "rms", "entropy", "dynamic_range", "norm_per_channel",
    "norm_per_sample", "attention_space", "attention_channels", "share",
))  # fmt: skip

#: f(-x) = -f(x), so f(neg(x)) -> neg(f(x)): signs meet further up, where they cost less or cancel.
ODD = frozenset((
    "sign", "signed_log", "reciprocal", "tanh", "sum", "mean", "skewness", "trace", "diagonal", "row_mean",
    "mean_per_channel", "mean_per_sample", "mean_pool2", "mean_pool4", "mean_samples", "mean_channels", "mean_space",
    "sum_space", "first_sample", "roll_samples", "mix_samples", "flip_space", "standardise", "standardise_per_channel",
    "standardise_per_sample", "standardise_space", "unit", "unit_diagonal", "centre",
    "first_layer", "last_layer", *_regions("sum", "mean", "median", "slope"),
    *(f"{name}_{region}" for name in ("first", "last") for region in REGIONS[1:]),
))  # fmt: skip

#: f(neg(x)) -> neg(g(x)).
MIRROR = {
    "max": "min", "min": "max", **{f"max_{r}": f"min_{r}" for r in REGIONS}, **{f"min_{r}": f"max_{r}" for r in REGIONS}
}  # fmt: skip

#: f(x) >= 0, so abs(f(x)) and relu(f(x)) -> f(x).
NONNEGATIVE = frozenset((
    "abs", "sqrt", "square", "exp", "sigmoid", "relu", "above_zero", "above_mean", "above_median", "greater",
    "same_sign", "norm", "norm1", "mean_abs", "rms", "std", "positive_share", "size", "dynamic_range",
    "norm_per_channel", "norm_per_sample", "std_per_channel", "std_per_sample", "spread_samples", "spread_channels",
    "spread_space", "std_samples", "std_channels", "std_space", "total_variation", "distinct_patterns", "edges",
    "attention_space", "attention_channels", "attention_samples", "share", "softmax", "singular_values",
    *_regions("std"),
))  # fmt: skip

#: f(x) is 0 or 1, so each of `UNCHANGED` on it -> f(x).
BINARY = frozenset(("above_zero", "above_mean", "above_median", "greater", "same_sign"))
UNCHANGED = frozenset(("abs", "relu", "sqrt", "square", "sign", "above_zero"))

#: f(f(x)) = f(x).
IDEMPOTENT = frozenset((
    "abs", "relu", "sign", "above_zero", "first_sample", "sum_space", "mean_samples", "mean_channels", "mean_space",
    "max_samples", "max_channels", "max_space",
))  # fmt: skip

#: Reducers that choose one entry of every architecture: increasing functions may be applied to the choice instead.
CHOOSING = frozenset(("max_layers", "min_layers"))

#: Patterns over any types. Letters stand for subtrees, numbers for constants.
PATTERNS = (
    "neg(neg(x)) -> x",
    "neg(sub(x, y)) -> sub(y, x)",
    "add(x, neg(y)) -> sub(x, y)",
    "sub(x, neg(y)) -> add(x, y)",
    "sub(neg(x), y) -> neg(add(x, y))",
    "mul(neg(x), y) -> neg(mul(x, y))",
    "div(neg(x), y) -> neg(div(x, y))",
    "div(x, neg(y)) -> neg(div(x, y))",
    "mul(abs(x), abs(y)) -> abs(mul(x, y))",
    "div(abs(x), abs(y)) -> abs(div(x, y))",
    "mul(x, x) -> square(x)",
    "minimum(x, x) -> x",
    "maximum(x, x) -> x",
    "minimum(neg(x), neg(y)) -> neg(maximum(x, y))",
    "maximum(neg(x), neg(y)) -> neg(minimum(x, y))",
    "maximum(x, neg(x)) -> abs(x)",
    "minimum(x, neg(x)) -> neg(abs(x))",
    "sign(signed_log(x)) -> sign(x)",
    "above_zero(sign(x)) -> above_zero(x)",
    "above_zero(relu(x)) -> above_zero(x)",
    "above_zero(signed_log(x)) -> above_zero(x)",
    "add(x, 0) -> x",
    "sub(x, 0) -> x",
    "sub(0, x) -> neg(x)",
    "mul(x, 1) -> x",
    "mul(x, -1) -> neg(x)",
    "div(x, 1) -> x",
    "div(x, -1) -> neg(x)",
    "div(1, x) -> reciprocal(x)",
)

#: Patterns that round differently: only where values are float64 (LayerScalar and Scalar).
DOUBLE = (
    "square(sqrt(x)) -> abs(x)",
    "mul(x, reciprocal(y)) -> div(x, y)",
)

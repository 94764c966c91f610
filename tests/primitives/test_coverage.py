"""Every operation of the Auto-GAS code and of EZNAS has an equivalent formula here, or a reason why not."""

from __future__ import annotations

import pytest

from gpproxy.expressions.classical_formulas import FORMULAS, NEAR, SPELLED
from gpproxy.primitives import Scalar
from tests.primitives.formula import type_of

#: Operation -> equivalent formula. A text that starts with `-- ` is the reason why there is none.
TRANSFORMS = {
    "trans_multi_scale_r1": "-- a max-pool of size 1 is the identity",
    "trans_multi_scale_r2": "max_pool2(activation)",
    "trans_multi_scale_r4": "max_pool4(activation)",
    "trans_local_s1": "-- a reshape; kernels over samples flatten the map themselves",
    "trans_local_s2": "-- reorders the entries of a sample, which no kernel over samples sees",
    "trans_local_s4": "-- reorders the entries of a sample, which no kernel over samples sees",
    "trans_batch": "-- a reshape; `_samples` kernels flatten the map themselves",
    "trans_channel": "-- a reshape; `_channels` kernels flatten the map themselves",
    "trans_mask": "-- draws random numbers, so a score would not be a function of the network",
    "trans_satt": "attention_space(activation)",
    "trans_natt": "attention_samples(activation)",
    "trans_catt": "attention_channels(activation)",
    "trans_drop": "-- draws random numbers, so a score would not be a function of the network",
    "trans_nop": "activation",
    "trans_bmm": "gram_channels(first_sample(activation))",
    "trans_mm": "gram_samples(activation)",
    "trans_norm_HW": "unit_space(activation)",
    "trans_norm_C": "unit_channels(activation)",
    "trans_norm_N": "unit_samples(activation)",
    "trans_softmax_N": "softmax_samples(activation)",
    "trans_softmax_C": "softmax_channels(activation)",
    "trans_softmax_HW": "softmax_space(activation)",
    "trans_logsoftmax_N": "log(softmax_samples(activation))",
    "trans_logsoftmax_C": "log(softmax_channels(activation))",
    "trans_logsoftmax_HW": "log(softmax_space(activation))",
    "trans_sqrt": "sqrt(relu(activation))",
    "trans_log": "sign(activation) * log(activation)",
    "trans_min_max_normalize": "min_max(activation)",
    "trans_abs": "abs(activation)",
    "trans_sigmoid": "sigmoid(activation)",
    "trans_tanh": "tanh(activation)",
    "trans_exp": "exp(activation)",
    "trans_relu": "relu(activation)",
    "trans_leaky_relu": "leaky_relu(activation)",
    "trans_swish": "swish(activation)",
    "trans_mish": "mish(activation)",
    "trans_scale": "-- maps [-1, 1] to [0, 1], but maps have no such range: `min_max` finds it",
    "trans_batchnorm": "standardise_per_channel(activation)",
}
ENCODINGS = {
    "reshape_op": "-- a reshape of the first layer's map; `first_layer` picks the layer",
    "gram": "gram_samples(activation)",
    "corref": "correlation_samples(activation)",
    "above_zero": "above_zero(activation)",
    "above_mean": "above_mean(activation)",
    "above_median": "above_median(activation)",
    "sign": "sign(activation)",
    "Hamming": "sum_layers(agreement_samples(above_zero(activation)))",
    "handling (NaN and inf to 0)": "-- primitives are finite; a formula with NaN is invalid, with its reason",
    "filter_results": "-- drops entries without a trace; a formula with NaN is invalid, with its reason",
}
REDUCTIONS = {
    "slogdet": "logdet(total)",
    "eig": "eigenvalues(total)",
    "abs": "abs(total)",
    "sum": "sum(total)",
    "min": "min(total)",
    "mean": "mean(total)",
    "log": "log(total)",
    "no_op": "total",
    "softmax": "-- a softmax over columns breaks the symmetry of a kernel; `softmax(eigenvalues(k))` is offered",
    "softmax of a spectrum": "softmax(eigenvalues(total))",
    "logsoftmax": "log(softmax(eigenvalues(total)))",
    "frobenius_norm": "norm(total)",
    "l1_norm": "mean_abs(total)",
    "element_wise_abslog": "log(total)",
    "element_wise_pow": "square(total)",
    "element_wise_exp": "exp(total)",
    "element_wise_normalized_sum": "mean(total)",
    "normalize": "standardise(total)",
    "hamming": "agreement_kernel(total)",
    "l2_norm (Frobenius, torch)": "norm(total)",
    "l2_norm (spectral, numpy)": "max(abs(eigenvalues(total)))",
    "trace": "trace(total)",
    "sqrt": "sqrt(total)",
    "sigmoid": "sigmoid(total)",
    "tanh": "tanh(total)",
    "transpose": "-- kernels are symmetric",
}
EZNAS = {
    "add": "activation + perturbed",
    "mul": "activation * gradient",
    "matmul": "cross_gram_samples(activation, gradient)",
    "matmul of weights": "cross_gram_channels(weight, weight_gradient)",
    "matmul of kernels": "matmul(kernel, agreement)",
    "<": "greater(perturbed, activation)",
    ">": "greater(activation, perturbed)",
    "==": "same_sign(activation, perturbed)",
    "log": "log(activation)",
    "abslog": "log(activation)",
    "abs": "abs(activation)",
    "square": "square(activation)",
    "exp": "exp(activation)",
    "standardise": "standardise(activation)",
    "relu": "relu(activation)",
    "sign": "sign(activation)",
    "heaviside": "above_zero(activation)",
    "1/x": "reciprocal(activation)",
    "fro": "norm(activation)",
    "det": "-- overflows; its logarithm ranks the same: `logdet`",
    "logdet": "logdet(kernel)",
    "sym-eig ratio": "log_condition(kernel)",
    "eig ratio": "max(eigenvalues(kernel)) / min(eigenvalues(kernel))",
    "mean": "mean(activation)",
    "mean-abs": "mean_abs(activation)",
    "hamming": "mean(above_zero(activation) - above_zero(perturbed))",
    "hamming distance": "mean(same_sign(activation, perturbed))",
    "KL": "kl_divergence(activation, perturbed)",
    "cosine": "cosine(activation, perturbed)",
    "softmax": "softmax_channels(activation)",
    "sigmoid": "sigmoid(activation)",
    "ones_like": "-- a constant",
    "zeros_like": "-- a constant",
    ">0": "above_zero(activation)",
    "<0": "above_zero(-activation)",
    "numel": "size(activation)",
}
#: The six programs that the Auto-GAS code stores (B: four stages, A: first layer only).
STORED = {
    "proxy1 without its random mask": "trace(sum_layers(agreement_samples(above_mean(preactivation))))",
    "proxy2": "square(logdet(sum_layers(agreement_samples(above_median(preactivation)))))",
    "proxy3": "sum(agreement_kernel(log(log(sum_layers("
    "agreement_samples(above_zero(softmax_space(preactivation))))))))",
    "proxy4": "norm(log(square(sum_layers(agreement_samples(above_median(swish(preactivation)))))))",
    "proxy5": "logdet(sum_layers(agreement_samples(above_zero(preactivation))))",
    "A: count of positive correlations": "sum(above_zero(first_layer(correlation_samples(activation))))",
}
#: The classical proxies that can be written as a formula (proxies page, section 2).
CLASSICAL = {
    **SPELLED,
    "params": "sum_layers(params)",
    "plain": FORMULAS["plain"],
    "logsynflow": FORMULAS["logsynflow"],
    "jacov": FORMULAS["jacov"],
    "nwot": FORMULAS["nwot"],
    "zen, first term": NEAR["zen"],
    "NTK condition, layer by layer": NEAR["ntk"],
    "zico on activation gradients": NEAR["zico"],
    "MeCo": NEAR["meco"],
    "SWAP": NEAR["swap"],
    "GradSign on activation gradients": NEAR["gradsign"],
    "AZ-NAS expressivity": FORMULAS["az_expressivity"],
    "AZ-NAS progressivity": FORMULAS["az_progressivity"],
    "EZNAS-A": "mean_layers(sigmoid(logdet(gram_samples(sign(gradient)))))",
    "EZNAS topprog": "mean_layers(square(norm(preactivation)))",
    "ridge decodability": "last_layer(decodability(activation, input))",
    "feature-spectrum entropy": "last_layer(spectral_entropy(correlation_channels(activation)))",
    "spread over channels of the gradient": "sum_layers(spread_channels(gradient))",
    "CKA with the input": "mean_layers(alignment(gram_samples(activation), gram_samples(input)))",
    "params-weighted mean": "weighted_mean_layers(effective_rank(kernel), params)",
}
OPERATIONS = {**TRANSFORMS, **ENCODINGS, **REDUCTIONS, **EZNAS}


@pytest.mark.parametrize("name", [n for n, f in OPERATIONS.items() if not f.startswith("-- ")])
def test_operation_has_an_equivalent(name: str) -> None:
    type_of(OPERATIONS[name])


@pytest.mark.parametrize("formula", [*STORED.values(), *CLASSICAL.values()], ids=[*STORED, *CLASSICAL])
def test_proxy_is_a_formula(formula: str) -> None:
    assert type_of(formula) is Scalar


def test_the_lists_are_complete() -> None:
    assert len(TRANSFORMS) == 38
    assert len({name.split(" of ")[0] for name in EZNAS}) >= 33


@pytest.mark.parametrize("region", ["layers", "early", "middle", "late"])
@pytest.mark.parametrize("kind", ["sum", "mean", "min", "max", "median", "std", "slope", "first", "last"])
def test_layer_reducers_of_every_region(kind: str, region: str) -> None:
    name = f"{kind}_{region}".replace("first_layers", "first_layer").replace("last_layers", "last_layer")
    assert type_of(f"{name}(score)") is Scalar

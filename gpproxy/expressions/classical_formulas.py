"""Classical proxies and descriptors as formulas: name -> text that `text.parse` reads.

`FORMULAS` equal the proxy of that name. Those of layer scalars, Hamming kernels and network statistics do so on every
table, those of maps and weights where a table keeps whole tensors (else they see the kept entries). `SPELLED` says the
same with maps and weights alone. `NEAR` holds similar formulas for proxies that are none, or one of more nodes than a
search allows; `REASONS` tells what they miss.

Exceptions: a space may give descriptors for another setting than its networks have (a wider decoder); linear layers
have resolution 1 here and none in the descriptors; what reads `agreement` has no value where all activations are
smooth; `autogas_proxy3` wants rectified maps, `autogas_integration` a first rectifier without a negative slope.

Sources: those of the proxies of the same name in `statistics.classical`; Abdelfattah et al., 2021, for most forms.
"""

from __future__ import annotations


def _three_calls(kernel: str, score: str) -> str:
    """Mean score of K, 2 K and 3 K: the Auto-GAS code calls a network three times and never removes its hooks."""
    sums = (" + ".join([kernel] * times) for times in (1, 2, 3))
    return "(" + " + ".join(score.format(total) for total in sums) + ") / 3"


def _kernel(transform: str) -> str:
    return f"sum_layers(agreement_samples({transform.format('preactivation')}))"


_SHARES = "spectral_entropy(covariance_channels(activation))"
_EIGENVALUES = "(relu(eigenvalues(input_gradient_correlation)) + 0.00001)"
#: The programs 2 to 5 of the Auto-GAS code: the kernel of the rectifiers' codes, and what becomes of it.
_PROGRAMMES = {
    "autogas_proxy2": (_kernel("above_median({})"), "logdet({})"),
    "autogas_proxy3": (_kernel("above_zero(softmax_space({}))"), "mean(agreement_kernel(log(log({}))))"),
    "autogas_proxy4": (_kernel("above_median(swish({}))"), "max(abs(eigenvalues(log(square({})))))"),
    "autogas_proxy5": (_kernel("above_zero({})"), "logdet({})"),
}

#: Equal to the proxy or descriptor of that name.
FORMULAS: dict[str, str] = {
    "params": "total_params",
    "macs": "total_macs",
    "depth": "sum_layers(channels / channels)",
    "max_channels": "max_layers(channels)",
    "min_resolution": "min_layers(resolution)",
    "mean_log_resolution": "mean_layers(log(resolution)) / log(2)",
    "log_activations": "log(sum_layers(max(agreement)))",
    "l2_norm": "sum_layers(layer_weight_norm)",
    "grad_norm": "sum_layers(layer_grad_norm)",
    "snip": "sum_layers(layer_snip)",
    "plain": "sum_layers(sum(weight * weight_gradient))",
    "fisher": "sum_layers(layer_fisher)",
    "synflow": "log(sum_layers(layer_synflow))",
    "logsynflow": "sum_layers(norm1(weight * signed_log(ones_gradient)))",
    "jacov": f"-sum(log({_EIGENVALUES}) + reciprocal({_EIGENVALUES}))",
    "nwot": "logdet(sum_layers(agreement))",
    "az_expressivity": f"sum_layers({_SHARES})",
    "az_progressivity": f"min_step_layers({_SHARES})",
    **{name: _three_calls(kernel, score) for name, (kernel, score) in _PROGRAMMES.items()},
    "autogas_integration": "sum(above_zero(first_layer(correlation_samples(relu(preactivation)))))",
}

#: The same of maps and weights alone; equal where they are whole.
SPELLED: dict[str, str] = {
    "macs": "sum_layers(macs)",
    "l2_norm": "sum_layers(norm(weight))",
    "grad_norm": "sum_layers(norm(weight_gradient))",
    "snip": "sum_layers(norm1(weight * weight_gradient))",
    "fisher": "0.5 * sum_layers(fan_in * sum(mean_per_channel(square(sum_space(activation * gradient)))))",
    "synflow": "log(sum_layers(norm1(weight * ones_gradient)))",
    "nwot": "logdet(sum_layers(agreement_samples(above_zero(preactivation))))",
    "log_activations": "log(sum_layers(max(agreement_samples(above_zero(preactivation)))))",
}

#: Smaller or similar formulas to start a search from.
NEAR: dict[str, str] = {
    **{name: score.format(kernel) for name, (kernel, score) in _PROGRAMMES.items()},
    "nwot": FORMULAS["nwot"],
    "autogas_proxy1": f"max(eigenvalues({_kernel('above_mean({})')}))",
    "swap": "sum_layers(distinct_patterns(preactivation))",
    "meco": "sum_layers(min(eigenvalues(correlation_channels(first_sample(activation)))))",
    "zen": "log(last_layer(norm1(activation - perturbed)))",
    "zico": "sum_layers(log(sum(mean_samples(abs(gradient)) / std_samples(gradient))))",
    "gradsign": "sum_layers(norm1(mean_samples(sign(gradient))))",
    "ntk": "-log_condition(sum_layers(gram_samples(activation) * gram_samples(gradient)))",
}

_CALLS = "the mean over three calls is a large formula; one call ranks"
#: What a formula of `NEAR` misses, or why a proxy is no formula.
REASONS: dict[str, str] = {
    "nwot": "counts the signs of smooth activations, too, where `agreement` has no value",
    "autogas_proxy2": f"{_CALLS} alike",
    "autogas_proxy3": f"{_CALLS} nearly alike",
    "autogas_proxy4": f"{_CALLS} nearly alike",
    "autogas_proxy5": f"{_CALLS} alike",
    "autogas_proxy1": "a random mask hides two thirds of the positions, and formulas draw no random numbers",
    "swap": "a pattern that occurs in two layers counts once, here once in each",
    "meco": "containers count beside the layers, and the input is another one",
    "zen": "weights are redrawn, inputs are other ones, and the scales of the norms are added",
    "zico": "compares weight gradients of two half batches, here activation gradients of samples",
    "gradsign": "compares weight gradients of single samples, here activation gradients",
    "ntk": "weight gradients of single samples; here their layer-wise product form, of the loss",
    "grasp": "a product with the Hessian, which no statistic holds",
    "epe_nas": "needs class labels, which generators do not have",
}

"""Known proxies as formulas, by name: what an evolution can start from with `--guess NAME`.

Sums over layers of `layer_*` are exact; the others see the cut statistics, where the baselines see the full tensors.
Sources: those of the proxies of the same name in `statistics.classical`; the last three are of this project.
"""

from __future__ import annotations

from gpproxy.errors import did_you_mean

FORMULAS = {
    "params": "total_params",
    "macs": "total_macs",
    "l2_norm": "sum_layers(layer_weight_norm)",
    "grad_norm": "sum_layers(layer_grad_norm)",
    "snip": "sum_layers(layer_snip)",
    "plain": "sum_layers(sum(weight * weight_gradient))",
    "fisher": "sum_layers(layer_fisher)",
    "synflow": "sum_layers(layer_synflow)",
    "logsynflow": "sum_layers(sum(weight * abs(log(ones_gradient))))",
    "jacov": "-sum(log(eigenvalues(input_gradient_correlation) + 0.00001)"
    " + reciprocal(eigenvalues(input_gradient_correlation) + 0.00001))",
    "nwot": "logdet(sum_layers(hamming))",
    "swap": "sum_layers(distinct_patterns(preactivation))",
    "meco": "sum_layers(min(eigenvalues(correlation_channels(first_sample(activation)))))",
    "zen": "log(last_layer(norm1(activation - perturbed)))",
    "zico": "sum_layers(log(sum(mean_samples(abs(gradient)) / std_samples(gradient))))",
    "gradsign": "sum_layers(norm1(mean_samples(sign(gradient))))",
    "ntk": "-log_condition(sum_layers(gram_samples(activation) * gram_samples(gradient)))",
    "az_expressivity": "sum_layers(spectral_entropy(covariance_channels(activation)))",
    "az_progressivity": "min_step_layers(spectral_entropy(covariance_channels(activation)))",
    "autogas_proxy5": "logdet(sum_layers(hamming_samples(above_zero(preactivation))))",
    "decodability": "last_layer(decodability(activation, input))",
    "feature_entropy": "last_layer(spectral_entropy(correlation_channels(activation)))",
    "gradient_spread": "sum_layers(spread_channels(gradient))",
}
#: The name that stands for all of them.
ALL = "classical"


def expand(guesses: tuple[str, ...]) -> list[str]:
    """Guesses with names replaced by formulas; what is no name is taken as a formula."""
    found: list[str] = []
    for guess in guesses:
        if guess == ALL:
            found += FORMULAS.values()
        else:
            found.append(FORMULAS.get(guess, guess))
    return list(dict.fromkeys(found))


def suggestion(guess: str) -> str:
    """The nearest known proxy for a guess that is no formula, as the end of a sentence."""
    return did_you_mean(guess, [ALL, *FORMULAS]) if guess.isidentifier() else ""


"""A tree in plain words: `the sum over the layers of the standard deviation across channels of the gradient ...`.

The words are the summaries of the primitives and statistics, up to their first stop; where a summary speaks in
symbols, the phrases below stand in.
"""

from __future__ import annotations

import re

from deap import gp

from gpproxy.expressions.fold import fold
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.statistics.statistic import STATISTICS

#: `{0}` and `{1}` are the operands.
PHRASES = {
    "add": "{0} plus {1}",
    "sub": "{0} minus {1}",
    "mul": "{0} times {1}",
    "div": "{0} divided by {1}",
    "minimum": "the smaller of {0} and {1}",
    "maximum": "the larger of {0} and {1}",
    "greater": "1 where {0} exceeds {1}, else 0",
    "same_sign": "1 where {0} and {1} agree in sign, else 0",
    "decodability": "how well {1} is recovered from {0} by a linear map",
    "weighted_mean_layers": "the mean over the layers of {0}, weighted by {1}",
    "correlation_layers": "the correlation over the layers of {0} and {1}",
    "cosine": "the cosine of the angle between {0} and {1}",
    "correlation": "the correlation of {0} and {1}",
    "kl_divergence": "the Kullback-Leibler divergence of {0} from {1}",
    "alignment": "the centred alignment of {0} and {1}",
    "cross_gram_samples": "the inner products between samples of {0} and {1}",
    "cross_gram_channels": "the inner products between channels of {0} and {1}",
    "matmul": "the symmetric matrix product of {0} and {1}",
    "neg": "minus {0}",
    "abs": "the absolute value of {0}",
    "sign": "the sign of {0}",
    "sqrt": "the square root of {0}",
    "square": "the square of {0}",
    "exp": "the exponential of {0}",
    "log": "the logarithm of {0}",
    "signed_log": "the signed logarithm of {0}",
    "reciprocal": "the reciprocal of {0}",
    "norm1": "the sum of the absolute entries of {0}",
    "mean_abs": "the mean of the absolute entries of {0}",
    "total_variation": "the total variation of {0}",
    "logdet": "the logarithm of the determinant of {0}",
    "log_condition": "the logarithm of the condition number of {0}",
    "effective_rank": "the effective rank of {0}",
    "participation_ratio": "the participation ratio of {0}",
    "stable_rank": "the stable rank of {0}",
    "entropy": "the entropy of {0}",
    "spectral_entropy": "the entropy of the spectrum of {0}",
    "first_layer": "the first layer's value of {0}",
    "last_layer": "the last layer's value of {0}",
    "gram_samples": "the inner products between samples of {0}",
    "gram_channels": "the inner products between channels of {0}",
    "correlation_samples": "the correlations between samples of {0}",
    "correlation_channels": "the correlations between channels of {0}",
    "covariance_samples": "the covariances between samples of {0}",
    "covariance_channels": "the covariances between channels of {0}",
    "cosine_samples": "the cosines between samples of {0}",
    "cosine_channels": "the cosines between channels of {0}",
    "distance_samples": "the distances between samples of {0}",
    "distance_channels": "the distances between channels of {0}",
    "hamming_samples": "the on-off agreement between samples of {0}",
    "hamming_channels": "the on-off agreement between channels of {0}",
    "rbf_samples": "the Gaussian similarities between samples of {0}",
    "rbf_channels": "the Gaussian similarities between channels of {0}",
    "standardise": "the values, standardised, of {0}",
    "standardise_per_channel": "the values, standardised per channel, of {0}",
    "standardise_per_sample": "the values, standardised per sample, of {0}",
    "standardise_space": "the values, standardised over space, of {0}",
    "min_max": "the values, scaled to between 0 and 1, of {0}",
    "unit": "the values, scaled to length 1, of {0}",
    "unit_samples": "the values, scaled to length 1 over samples, of {0}",
    "unit_channels": "the values, scaled to length 1 over channels, of {0}",
    "unit_space": "the values, scaled to length 1 over space, of {0}",
    "unit_diagonal": "the values, scaled to a diagonal of ones, of {0}",
    "share": "the shares of {0}",
    "softmax": "the softmax of {0}",
    "softmax_samples": "the softmax over samples of {0}",
    "softmax_channels": "the softmax over channels of {0}",
    "softmax_space": "the softmax over space of {0}",
    "centre": "the values, centred, of {0}",
    "centre_samples": "the values, centred over samples, of {0}",
    "centre_channels": "the values, centred over channels, of {0}",
    "centre_space": "the values, centred over space, of {0}",
    "relu": "the positive part of {0}",
    "leaky_relu": "the leaky ReLU of {0}",
    "above_zero": "1 where {0} is positive, else 0",
    "above_mean": "1 where {0} exceeds its mean, else 0",
    "above_median": "1 where {0} exceeds its median, else 0",
    "max_pool2": "the largest of every 2 by 2 pixels of {0}",
    "max_pool4": "the largest of every 4 by 4 pixels of {0}",
    "mean_pool2": "the mean of every 2 by 2 pixels of {0}",
    "mean_pool4": "the mean of every 4 by 4 pixels of {0}",
    "attention_space": "the attention over space of {0}",
    "attention_channels": "the attention over channels of {0}",
    "attention_samples": "the attention over samples of {0}",
    "roll_samples": "the preceding sample of {0}",
    "mix_samples": "the mean of {0} over every sample and the one before",
    "flip_space": "the values, mirrored, of {0}",
    "size": "the number of entries of {0}",
}  # fmt: skip
#: Signs of a summary that does not read as words.
_NAMES = ("Euclidean", "Pearson", "Shannon", "Gaussian")
_SYMBOLS = re.compile(r"[=<>|^*/\[\]]|\b[xabk]\b|\d")

Words = tuple[str, bool]  # the text, and whether it must be bracketed inside another


def in_words(tree: gp.PrimitiveTree) -> str:
    """The formula in plain English, one phrase without a stop."""
    return fold(tree, _words)[0]


def _words(node: Operation | Leaf, parts: list[Words]) -> Words:
    if isinstance(node, Constant):
        return node.name, False
    if not isinstance(node, Operation):
        known = STATISTICS[node.name].summary if node.name in STATISTICS else ""
        return _the(_phrase(known) or node.name.replace("_", " ")), False
    operands = [f"({text})" if compound else text for text, compound in parts]
    phrase = PHRASES.get(node.name)
    if phrase is None:
        own = _phrase(node.primitive.summary)
        phrase = f"{_the(own or node.name.replace('_', ' '))} of " + " and ".join(f"{{{i}}}" for i in range(len(parts)))
    return phrase.format(*operands), len(parts) > 1


def _phrase(summary: str) -> str:
    """The first words of a summary, empty when they hold symbols."""
    text = re.sub(r"^`[^`]* x [^`]*`[,:]? ?", "", summary).replace("`", "")  # a leading shape
    text = re.split(r"[.:;,]", re.sub(r" ?\([^)]*\)", "", text))[0].strip()
    if not text or _SYMBOLS.search(text):
        return ""
    return text if text[:2].isupper() or text.startswith(_NAMES) else text[0].lower() + text[1:]


def _the(phrase: str) -> str:
    return phrase if phrase.split(" ")[0] in ("the", "how", "a", "an", "every", "activation") else f"the {phrase}"

"""Known proxies as formulas, by name: what an evolution can start from with `--guess NAME`."""

from __future__ import annotations

from gpproxy.errors import did_you_mean
from gpproxy.expressions.classical_formulas import FORMULAS, NEAR

#: Name -> formula; the last three are of this project.
KNOWN = {
    **FORMULAS,
    **NEAR,
    "decodability": "last_layer(decodability(activation, input))",
    "feature_entropy": "last_layer(spectral_entropy(correlation_channels(activation)))",
    "gradient_spread": "sum_layers(spread_channels(gradient))",
}
#: The name that stands for all of them.
ALL = "classical"


def expand(guess: str) -> list[str]:
    """The formulas that a guess stands for; what is no name is taken as a formula."""
    return list(KNOWN.values()) if guess == ALL else [KNOWN.get(guess, guess)]


def suggestion(guess: str) -> str:
    """The nearest known proxy for a guess that is no formula, as the end of a sentence."""
    return did_you_mean(guess, [ALL, *KNOWN]) if guess.isidentifier() else ""

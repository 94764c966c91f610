"""Known proxies as formulas, by name: what an evolution can start from with `--guess NAME`."""

from __future__ import annotations

from gpproxy.errors import did_you_mean
from gpproxy.expressions.classical_formulas import FORMULAS, NEAR

#: Name -> formula; the last four are of this project.
KNOWN = {
    **FORMULAS,
    **NEAR,
    "decodability": "code_decodability",
    "feature_entropy": "code_entropy",
    "informative_code": "code_decodability + 0.05 * code_entropy",
    "gradient_spread": "sum_layers(spread_channels(gradient))",
}
#: The name that stands for all of them, and the one that takes them out again.
ALL, NONE = "classical", "none"


def expand(guess: str) -> list[str]:
    """The formulas that a guess stands for; what is no name is taken as a formula."""
    return list(KNOWN.values()) if guess == ALL else [KNOWN.get(guess, guess)]


def suggestion(guess: str) -> str:
    """The nearest known proxy for a guess that is no formula, as the end of a sentence."""
    return did_you_mean(guess, [ALL, *KNOWN]) if guess.isidentifier() else ""

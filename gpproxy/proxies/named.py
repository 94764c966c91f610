"""Named proxies: formulas by name, which an evolution can start from, and the choice among the classical ones."""

from __future__ import annotations

from gpproxy.errors import ConfigError, did_you_mean
from gpproxy.expressions.classical_formulas import FORMULAS, NEAR
from gpproxy.statistics.classical import PROXIES

#: Formulas that were put together by hand, those of this project.
HAND_MADE = {
    "decodability": "code_decodability",
    "feature_entropy": "code_entropy",
    "informative_code": "code_decodability + 0.05 * code_entropy",
    "gradient_spread": "sum_layers(spread_channels(gradient))",
}
#: Name -> formula.
NAMED = {**FORMULAS, **NEAR, **HAND_MADE}
#: The name that stands for all of them, and the one that takes them out again.
ALL, NONE = "classical", "none"
#: The choice of every classical proxy, and of those without dear passes of their own.
ALL_PROXIES, CHEAP_PROXIES = "all", "cheap"


def expand(guess: str) -> list[str]:
    """The formulas that a guess stands for; what is no name is taken as a formula."""
    return list(NAMED.values()) if guess == ALL else [NAMED.get(guess, guess)]


def suggestion(guess: str) -> str:
    """The nearest named proxy for a guess that is no formula, as the end of a sentence."""
    return did_you_mean(guess, [ALL, *NAMED]) if guess.isidentifier() else ""


def chosen_proxies(choice: str) -> tuple[str, ...]:
    """Names of the classical proxies to compute, in one order: of `all`, `cheap`, `none`, or names joined by commas.

    Raises ConfigError for an unknown one.
    """
    names = [name.strip() for name in choice.split(",")]
    if names == [CHEAP_PROXIES]:
        return tuple(name for name, proxy in PROXIES.items() if not proxy.dear)
    if names in ([ALL_PROXIES], [NONE]):
        return tuple(PROXIES) if names == [ALL_PROXIES] else ()
    for name in names:
        if name not in PROXIES:
            known = [ALL_PROXIES, CHEAP_PROXIES, NONE, *PROXIES]
            rule = "stands alone" if name in known[:3] else "is no classical proxy"
            hint = "" if name in known else did_you_mean(name, known)
            raise ConfigError(f"proxies={choice}: '{name}' {rule}.{hint} Known: {', '.join(known)}.")
    return tuple(name for name in PROXIES if name in names)

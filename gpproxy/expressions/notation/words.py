"""A tree in plain words: `the sum over the layers of the standard deviation across channels of the gradient ...`.

The words are the phrases that primitives declare; without one, and for statistics, the summary up to its first stop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from deap import gp

from gpproxy.expressions.fold import fold
from gpproxy.expressions.grammar import present_name
from gpproxy.expressions.nodes import Constant, Leaf, Operation
from gpproxy.statistics.statistic import STATISTICS

#: Words that keep their capital letter, and signs of a summary that does not read as words.
_NAMES = ("Euclidean", "Pearson", "Shannon", "Gaussian", "Fisher", "Frobenius", "Jacobian")
_SYMBOLS = re.compile(r"[=<>|^*/\[\]]|\b[xabk]\b|\d")

Words = tuple[str, bool]  # the text, and whether it must be bracketed inside another


def in_words(tree: gp.PrimitiveTree) -> str:
    """The formula in plain English, one phrase without a stop."""
    return fold(tree, _words)[0]


def explained(names: Iterable[str]) -> list[tuple[str, str]]:
    """Every statistic with what it is, and then those that the explanations speak of; names of 0.2.0 are known.

    What is not registered here is left out.

    >>> import gpproxy.statistics.terminals
    >>> [name for name, _ in explained(["gradient"])]
    ['gradient', 'activation']
    """
    import gpproxy.statistics.terminals  # noqa: F401  registers the statistics

    open_, told = [present_name(name) for name in names], dict[str, str]()
    while open_:
        name = open_.pop(0)
        if name in STATISTICS and name not in told:
            told[name] = STATISTICS[name].summary.replace("`", "")
            open_ += re.findall(r"`(\w+)`", STATISTICS[name].summary)
    return list(told.items())


def _words(node: Operation | Leaf, parts: list[Words]) -> Words:
    if isinstance(node, Constant):
        return node.name, False
    if not isinstance(node, Operation):
        known = STATISTICS[node.name].summary if node.name in STATISTICS else ""
        return _the(_phrase(known) or node.name.replace("_", " ")), False
    operands = [f"({text})" if compound else text for text, compound in parts]
    phrase = node.primitive.phrase
    if not phrase:
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

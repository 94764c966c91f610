"""How a primitive is written for people: a form with places for its operands, and how strongly each part binds.

In: the forms that primitives declare. Out: text with brackets only where they are needed. `plain` notation is one line
of characters for terminals, `latex` what stands in papers. Parsing knows neither: see `gpproxy.expressions.text`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Binding strengths: sums, a bare sum over layers, products, prefixes, powers, atoms.
SUM, REDUCED, PRODUCT, PREFIX, POWER, ATOM = range(1, 7)
#: A written value and how strongly it binds.
Text = tuple[str, int]


@dataclass(frozen=True)
class Notation:
    r"""A form of a primitive.

    Attributes:
        form: a format string: `{0}`, `{1}` are the operands, braces of LaTeX are doubled (`\\sqrt{{{0}}}`).
        operands: how strongly each operand must bind to stand without brackets; those that are not named always may.
        strength: how strongly the whole binds.

    >>> power = Notation("{0}^{{2}}", (ATOM,), POWER)
    >>> power.write([("a + b", SUM)], "({})")
    ('(a + b)^{2}', 5)
    """

    form: str
    operands: tuple[int, ...] = ()
    strength: int = ATOM

    def write(self, parts: Sequence[Text], brackets: str) -> Text:
        """The form filled with operands; `brackets` is the format string that encloses one that binds too weakly."""
        needed = (*self.operands, *[0] * (len(parts) - len(self.operands)))
        inside = [text if own >= least else brackets.format(text) for (text, own), least in zip(parts, needed)]
        return self.form.format(*inside), self.strength


#: What the signs of arithmetic look like, by sign and number of operands: plain, LaTeX.
SIGNS: dict[tuple[str, int], tuple[Notation, Notation]] = {
    ("+", 2): (Notation("{0} + {1}", (SUM, SUM), SUM), Notation("{0} + {1}", (SUM, SUM), SUM)),
    ("-", 2): (Notation("{0} − {1}", (SUM, SUM + 1), SUM), Notation("{0} - {1}", (SUM, SUM + 1), SUM)),
    ("*", 2): (
        Notation("{0} · {1}", (PRODUCT, PRODUCT), PRODUCT),
        Notation(r"{0} \cdot {1}", (PRODUCT, PRODUCT), PRODUCT),
    ),
    ("/", 2): (
        Notation("{0} / {1}", (PRODUCT, PRODUCT + 1), PRODUCT),
        Notation(r"\frac{{{0}}}{{{1}}}", (), POWER),
    ),
    ("-", 1): (Notation("−{0}", (PREFIX,), PREFIX), Notation("-{0}", (PREFIX + 1,), PREFIX)),
}


def upright(name: str, command: str = "mathrm") -> str:
    r"""A name in upright LaTeX letters, underscores kept.

    >>> print(upright("layer_snip"))
    \mathrm{layer\_snip}
    """
    escaped = name.replace("_", r"\_")
    return rf"\{command}{{{escaped}}}"


def called(operator: str, operands: int) -> Notation:
    """LaTeX of a function call: `operator` is its sign in LaTeX."""
    inside = ", ".join(f"{{{i}}}" for i in range(operands))
    return Notation(operator.replace("{", "{{").replace("}", "}}") + rf"\left({inside}\right)")


def over_layers(sign: str, region: str = "", operands: int = 1, bare: bool = False) -> Notation:
    r"""LaTeX of a layer reducer: its sign over the index \ell, which runs over the layers or over a region of them.

    Args:
        sign: in LaTeX, `\sum` or an upright name.
        bare: whether the operand stands without brackets, as behind a sum.
    """
    sign += r"_{\ell" + (rf" \in \mathrm{{{region}}}" if region else "") + "}"
    if not bare:
        return called(sign, operands)
    return Notation(sign.replace("{", "{{").replace("}", "}}") + " {0}", (POWER,), REDUCED)

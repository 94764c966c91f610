r"""A tree as LaTeX and MathML, by SymPy's printers: statistics upright, with an index \ell if there is one per layer.

In: a tree, or the text of a formula. Out: LaTeX for papers and notebooks, MathML for pages. What is printed is the
SymPy expression of the tree (`rewriting.symbols.to_sympy`), so its terms stand in SymPy's order. What an operation
without an algebra looks like is declared with its primitive (`latex`).
"""

from __future__ import annotations

import html
from functools import cache
from typing import Any

from deap import gp

from gpproxy.errors import ExpressionError
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.rewriting.algebra import PER_LAYER, is_call
from gpproxy.expressions.rewriting.symbols import to_sympy
from gpproxy.expressions.text import parse
from gpproxy.primitives import PRIMITIVES
from gpproxy.primitives.declaration import Primitive
from gpproxy.primitives.notation import ATOM, POWER, PRODUCT, REDUCED, SUM, called, over_layers, upright
from gpproxy.statistics.statistic import STATISTICS

#: Numbers from here up are written with a power of ten.
LARGE = 10**6
#: The largest denominator of a number that is written as a fraction.
FRACTION = 4
#: Digits of a number: those of a constant.
DIGITS = 3
#: MathML of what brackets grow with.
TALL = ("<mfrac", "<munder", "<msqrt")
BRACKETS = r"\left({}\right)"


def to_latex(tree: gp.PrimitiveTree) -> str:
    """The formula as LaTeX, without dollar signs."""
    latex, _ = _printers()
    return latex.doprint(_printable(tree))


def to_mathml(tree: gp.PrimitiveTree) -> str:
    """The formula as MathML, which browsers draw without help: one element per term of a sum, so that it can wrap."""
    _, printer = _printers()
    expression = _printable(tree)
    terms = printer._as_ordered_terms(expression) if expression.is_Add else [expression]
    drawn = []
    for place, term in enumerate(terms):
        minus = term.could_extract_minus_sign() and len(terms) > 1
        sign = "" if place == 0 and not minus else "<mo>&#8722;</mo>" if minus else "<mo>+</mo>"
        # An empty row before it keeps a sign the one of a sum, with space on both sides.
        before = "<mrow></mrow>" if place else ""
        drawn.append(f'<math display="inline">{before}{sign}{printer.doprint(-term if minus else term)}</math>')
    return " ".join(drawn)


def mathml_of(text: str) -> str:
    """The formula of a text as MathML; as plain characters where this installation does not know what it uses."""
    import gpproxy.statistics.terminals  # noqa: F401  registers the statistics

    try:
        return to_mathml(parse(text, Grammar({one.name: one.type for one in STATISTICS.values()})))
    except ExpressionError:
        return f"<code>{html.escape(text)}</code>"


def _decimals(expression: Any) -> Any:
    """The numbers of a formula with three digits; halves, thirds and exponents stay fractions."""
    import sympy

    if expression.is_Rational:
        if abs(expression) >= LARGE or expression.q > FRACTION:
            return sympy.Float(expression, DIGITS)
        return expression
    if expression.is_Pow and expression.exp.is_Rational:
        return sympy.Pow(_decimals(expression.base), expression.exp)
    if not expression.args:
        return expression
    return expression.func(*map(_decimals, expression.args))


def _printable(tree: gp.PrimitiveTree) -> Any:
    """The expression of a tree with decimals, as it stands where evaluation would divide by 0."""
    import sympy

    expression = to_sympy(tree)
    made = _decimals(expression)
    return expression if made.has(sympy.zoo, sympy.nan) else made


def _parts(number: Any) -> tuple[str, str]:
    """A number with three digits: its mantissa, and the power of ten, empty where none is needed."""
    mantissa, _, exponent = f"{float(number):.{DIGITS}g}".partition("e")
    return mantissa, str(int(exponent)) if exponent else ""


def _strength(expression: Any) -> int:
    """How strongly what SymPy prints for an expression binds, as `gpproxy.primitives.notation` counts."""
    if expression.is_Add:
        return SUM
    if expression.is_Mul and expression.as_numer_denom()[1] != 1 and not expression.could_extract_minus_sign():
        return POWER  # a fraction
    if expression.is_Mul or (expression.is_Number and expression < 0):
        return PRODUCT
    if expression.is_Pow:
        return POWER
    return REDUCED if _is_bare(expression) else ATOM


def _primitive(expression: Any) -> Primitive | None:
    return PRIMITIVES.registered().get(type(expression).__name__) if is_call(expression) else None


def _is_bare(expression: Any) -> bool:
    """Whether it is a sum over layers, whose operand stands without brackets behind the sign."""
    found = _primitive(expression)
    return found is not None and found.latex is not None and found.latex.strength == REDUCED


@cache
def _printers() -> tuple[Any, Any]:
    """The two printers; SymPy is imported when the first formula is printed."""
    from sympy.printing.latex import LatexPrinter
    from sympy.printing.mathml import MathMLPresentationPrinter
    from sympy.printing.precedence import PRECEDENCE, precedence_traditional

    class PositiveFirst:
        def _as_ordered_terms(self, expression: Any, order: Any = None) -> list[Any]:
            terms = super()._as_ordered_terms(expression, order=order)  # type: ignore[misc]
            return sorted(terms, key=lambda term: bool(term.could_extract_minus_sign()))

    class Latex(PositiveFirst, LatexPrinter):
        def _print_Float(self, expression: Any) -> str:
            mantissa, exponent = _parts(expression)
            before = "" if mantissa == "1" else rf"{mantissa} \cdot "
            return f"{before}10^{{{exponent}}}" if exponent else mantissa

        def _print_Symbol(self, expression: Any, style: str = "plain") -> str:
            name = expression.name
            return upright(name.removesuffix(PER_LAYER)) + (r"_{\ell}" if name.endswith(PER_LAYER) else "")

        def _print_Function(self, expression: Any, exp: Any = None) -> str:
            if not is_call(expression):
                return super()._print_Function(expression, exp)
            notation, name, count = None, type(expression).__name__, len(expression.args)
            if found := _primitive(expression):
                notation = found.latex
                if notation is None and found.over_layers:
                    notation = over_layers(upright(name, "operatorname*"), found.region, count)
            notation = notation or called(upright(name, "operatorname"), count)
            parts = [(self._print(part), _strength(part)) for part in expression.args]
            text, strength = notation.write(parts, BRACKETS)
            if exp is None:
                return text
            return f"{text if strength == ATOM else BRACKETS.format(text)}^{{{exp}}}"

        def _needs_mul_brackets(self, expression: Any, first: bool = False, last: bool = False) -> bool:
            return (_is_bare(expression) and not last) or super()._needs_mul_brackets(expression, first, last)

    class MathML(PositiveFirst, MathMLPresentationPrinter):
        def _print_Float(self, expression: Any) -> Any:
            mantissa, exponent = _parts(expression)
            number = self._element("mn", mantissa)
            if not exponent:
                return number
            power = self._element("msup", self._element("mn", "10"), self._element("mn", exponent.replace("-", "−")))
            return power if mantissa == "1" else self._element("mrow", number, self._element("mo", "·"), power)

        def _print_Exp1(self, expression: Any) -> Any:
            return self._element("mi", "e")

        def _print_Symbol(self, expression: Any, style: str = "plain") -> Any:
            name = self._element("mtext", expression.name.removesuffix(PER_LAYER))
            return (
                self._element("msub", name, self._element("mi", "ℓ")) if expression.name.endswith(PER_LAYER) else name
            )

        def _print_Function(self, expression: Any) -> Any:
            if not is_call(expression):
                return super()._print_Function(expression)
            found, name = _primitive(expression), type(expression).__name__
            if found is None or not found.over_layers:
                return self._called(self._element("mtext", name), expression.args)
            word, over = (
                ("∑", "mo") if _is_bare(expression) else (name.removesuffix(f"_{found.region or 'layers'}"), "mtext")
            )
            where = [self._element("mi", "ℓ")]
            if found.region:
                where += [self._element("mo", "∈"), self._element("mtext", found.region)]
            head = self._element("munder", self._element(over, word), self._element("mrow", *where))
            operand = expression.args[0]
            if not _is_bare(expression):
                return self._called(head, expression.args)
            drawn = self._print(operand)
            return self._element("mrow", head, self._bracketed(drawn) if _strength(operand) < POWER else drawn)

        def _called(self, head: Any, operands: Any) -> Any:
            """A function with its operands in brackets."""
            inside: list[Any] = []
            for operand in operands:
                inside += [self._element("mo", ","), self._print(operand)] if inside else [self._print(operand)]
            return self._element("mrow", head, self._bracketed(*inside))

        def _bracketed(self, *inside: Any) -> Any:
            """Brackets that grow with what they hold only around what is tall: nested ones would swell for nothing."""
            tall = any(sign in part.toxml() for part in inside for sign in TALL)
            brackets = [self._element("mo", sign) for sign in "()"]
            for bracket in brackets:
                bracket.setAttribute("stretchy", str(tall).lower())
            return self._element("mrow", brackets[0], *inside, brackets[1])

        def parenthesize(self, item: Any, level: int, strict: bool = False) -> Any:
            if _is_bare(item) and level >= PRECEDENCE["Mul"]:
                return self._bracketed(self._print(item))
            # SymPy's own brackets are strict only on request; a product in a product needs none.
            return super().parenthesize(item, level, strict or precedence_traditional(item) == PRECEDENCE["Pow"])

        def _element(self, kind: str, *inside: Any) -> Any:
            made = self.dom.createElement(kind)
            for part in inside:
                made.appendChild(self.dom.createTextNode(part) if isinstance(part, str) else part)
            return made

    return Latex({"mul_symbol": "dot"}), MathML({"mul_symbol": "dot"})

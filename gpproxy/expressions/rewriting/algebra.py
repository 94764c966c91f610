"""SymPy in a process of its own, because it may not come to an end: expressions in, equal ones out, under a time limit.

The process reads and writes lines of JSON (expressions as nested lists of known names) and is killed at the limit.
What it found by then counts. `python -m gpproxy.expressions.rewriting.algebra` is that process; it imports SymPy and
nothing of gpproxy.

A symbol whose name ends in `PER_LAYER` is one number per layer. A call of a name that SymPy does not know is a linear
reducer over the layers: f(a x + b y) = a f(x) + b f(y), where a and b are numbers of the network.
"""

from __future__ import annotations

import functools
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO, Any

#: SymPy classes that may cross the line, beside the elementary functions.
KNOWN = ("Add", "Mul", "Pow", "Abs", "log", "exp", "sign", "tanh", "sinh", "cosh", "Max", "Min")
_ELEMENTARY = "sympy.functions.elementary."
#: What the names of symbols end in that are one number per layer.
PER_LAYER = "_ℓ"
#: What is known of a symbol or a call: any real number, from 0 up, above 0.
SIGNS: dict[str, dict[str, bool]] = {
    "real": {"real": True}, "nonnegative": {"nonnegative": True}, "positive": {"positive": True}
}  # fmt: skip
#: Seconds that the process may take to start.
START = 60.0


@functools.cache
def symbol(name: str, sign: str = "real") -> Any:
    """The symbol of a statistic, or of a part that algebra does not look into."""
    import sympy

    return sympy.Symbol(name, **SIGNS[sign])


def applied(name: str, *operands: Any, sign: str = "") -> Any:
    """A function without an algebra of its own, by its name.

    Args:
        sign: what its value is; by default that of its operand, as a mean of positive numbers is positive.
    """
    known = sign or sign_of(operands[0])
    # SymPy does not draw its conclusions from functions that may be 0; what it finds is verified on values.
    return _function(name, "positive" if known == "nonnegative" else known)(*operands)


def sign_of(expression: Any) -> str:
    """What is known of an expression."""
    return "positive" if expression.is_positive else "nonnegative" if expression.is_nonnegative else "real"


@functools.cache
def _function(name: str, sign: str) -> Any:
    import sympy

    return sympy.Function(name, **SIGNS[sign])


def encode(expression: Any) -> list[Any]:
    """A SymPy expression as nested lists. Raises ValueError for one with other functions."""
    if expression.is_Symbol:
        return ["symbol", expression.name, sign_of(expression)]
    if expression.is_Rational:
        return ["number", str(expression.p), str(expression.q)]
    if str(expression) == "E":
        return ["exp", ["number", "1", "1"]]
    name = type(expression).__name__
    if is_call(expression):
        return ["call", name, *(encode(a) for a in expression.args)]
    _class(name)
    return [name, *(encode(a) for a in expression.args)]


def decode(data: list[Any]) -> Any:
    """The SymPy expression of nested lists. Raises ValueError for anything else."""
    import sympy

    if data[0] == "symbol":
        return symbol(data[1], data[2])
    if data[0] == "number":
        return sympy.Rational(int(data[1]), int(data[2]))
    if data[0] == "call":
        return applied(data[1], *(decode(d) for d in data[2:]))
    return _class(data[0])(*(decode(d) for d in data[1:]))


def is_call(expression: Any) -> bool:
    """Whether it is a function that SymPy does not know."""
    from sympy.core.function import AppliedUndef

    return isinstance(expression, AppliedUndef)


@functools.cache
def _class(name: str) -> Any:
    """The SymPy class of that name, when it may cross the line; a primitive of one's own may be any function.

    Raises ValueError for another.
    """
    import sympy

    found = getattr(sympy, name, None)
    if name in KNOWN:
        return found
    if not (isinstance(found, type) and issubclass(found, sympy.Function) and _ELEMENTARY in found.__module__):
        raise ValueError(f"{name} cannot cross the line to SymPy")
    return found


class Algebra:
    """A SymPy process; a context manager. Started at the first question, and again after it had to be killed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()

    def __enter__(self) -> Algebra:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def shorter(self, expression: Any, seconds: float) -> tuple[list[Any], bool]:
        """Expressions equal to the given one, in the order found, and whether the search came to its end in time."""
        try:
            question = json.dumps(encode(expression))
        except ValueError:
            return [], True
        process = self._started()
        end = time.monotonic() + seconds
        found: list[Any] = []
        try:
            assert process.stdin is not None
            process.stdin.write(question + "\n")
            process.stdin.flush()
        except OSError:
            self.close()
            return [], False
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                self.close()
                return found, False
            if line == "done\n":
                return found, True
            try:
                found.append(decode(json.loads(line)))
            except (ValueError, TypeError, RecursionError):
                continue

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        self._lines = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gpproxy.expressions.rewriting.algebra"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        threading.Thread(target=_pump, args=(self._process.stdout, self._lines), daemon=True).start()
        try:
            self._lines.get(timeout=START)  # "ready": importing SymPy does not count against the first formula
        except queue.Empty:
            pass
        return self._process


def _pump(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    try:
        for line in stream:
            lines.put(line)
    except ValueError:  # closed while reading
        pass
    lines.put(None)


def _forms(expression: Any) -> Iterator[Any]:
    """Equal expressions, cheap ways first; each way may be refused by SymPy."""
    import sympy

    ways = (
        lambda e: e,
        sympy.factor_terms,
        sympy.expand,
        sympy.cancel,
        sympy.factor,
        sympy.together,
        lambda e: sympy.factor_terms(sympy.expand_log(e, force=True)),
        lambda e: sympy.logcombine(e, force=True),
        sympy.powsimp,
        sympy.simplify,
        lambda e: sympy.logcombine(sympy.simplify(e), force=True),
    )
    reduced = any(map(is_call, sympy.preorder_traversal(expression)))
    starts: tuple[Any, ...] = (lambda e: e,)
    if reduced:
        starts = (taken_apart, lambda e: e, lambda e: taken_apart(sympy.expand_log(e, force=True)))
    for start in starts:
        for way in ways:
            try:
                form = way(start(expression))
                yield form
                if reduced:
                    yield put_together(form)
            except Exception:  # SymPy raises all sorts for odd expressions: another way may do
                continue


def _per_layer(expression: Any) -> bool:
    return any(one.name.endswith(PER_LAYER) for one in expression.free_symbols)


def taken_apart(expression: Any) -> Any:
    """Every reducer of a sum as a sum of reducers, with numbers of the network before each: f(2 x + y) = 2 f(x) + f(y).

    One with a term that no layer has is left as it is: it would count the layers.
    """
    import sympy

    if not expression.args:
        return expression
    parts = [taken_apart(part) for part in expression.args]
    if not is_call(expression):
        return expression.func(*parts)
    name = type(expression).__name__
    terms = sympy.Add.make_args(sympy.expand(parts[0]))
    if len(parts) != 1 or not all(map(_per_layer, terms)):
        return applied(name, *parts)
    total = sympy.Integer(0)
    for term in terms:
        factors = sympy.Mul.make_args(term)
        before = [factor for factor in factors if not _per_layer(factor)]
        total += sympy.Mul(*before) * applied(name, sympy.Mul(*(f for f in factors if _per_layer(f))))
    return total


def put_together(expression: Any) -> Any:
    """Sums of one reducer as the reducer of a sum: 2 f(x) + f(y) = f(2 x + y)."""
    import sympy

    if not expression.args or is_call(expression):
        return expression
    parts = [put_together(part) for part in expression.args]
    if not expression.is_Add:
        return expression.func(*parts)
    inside: dict[str, list[Any]] = {}
    rest = []
    for part in parts:
        factors = sympy.Mul.make_args(part)
        calls = [factor for factor in factors if is_call(factor)]
        if len(calls) == 1 and len(calls[0].args) == 1:
            others = sympy.Mul(*(factor for factor in factors if factor is not calls[0]))
            inside.setdefault(type(calls[0]).__name__, []).append(others * calls[0].args[0])
        else:
            rest.append(part)
    return sympy.Add(*rest, *(applied(name, sympy.Add(*terms)) for name, terms in inside.items()))


def main() -> None:
    """Answers one line per form found, then `done`, for every line on standard input."""
    import sympy  # noqa: F401  before "ready"

    print("ready", flush=True)
    for line in sys.stdin:
        seen = set()
        try:
            for form in _forms(decode(json.loads(line))):
                answer = json.dumps(encode(form)) if form.free_symbols or form.is_Rational else ""
                if answer and answer not in seen:
                    seen.add(answer)
                    print(answer, flush=True)
        except Exception:  # the question cannot be read or answered: say what was found
            pass
        print("done", flush=True)


if __name__ == "__main__":
    main()

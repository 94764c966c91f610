"""SymPy in a process of its own, because it may not come to an end: expressions in, equal ones out, under a time limit.

The process reads and writes lines of JSON (expressions as nested lists of known names) and is killed at the limit.
What it found by then counts. `python -m gpproxy.expressions.rewriting.algebra` is that process; it imports SymPy and
nothing of gpproxy.
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
#: Seconds that the process may take to start.
START = 60.0


def encode(expression: Any) -> list[Any]:
    """A SymPy expression as nested lists. Raises ValueError for one with other functions."""
    if expression.is_Symbol:
        return ["symbol", expression.name]
    if expression.is_Rational:
        return ["number", str(expression.p), str(expression.q)]
    if str(expression) == "E":
        return ["exp", ["number", "1", "1"]]
    name = type(expression).__name__
    _class(name)
    return [name, *(encode(a) for a in expression.args)]


def decode(data: list[Any]) -> Any:
    """The SymPy expression of nested lists. Raises ValueError for anything else."""
    import sympy

    if data[0] == "symbol":
        return sympy.Symbol(data[1], real=True)
    if data[0] == "number":
        return sympy.Rational(int(data[1]), int(data[2]))
    return _class(data[0])(*(decode(d) for d in data[1:]))


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
    for way in ways:
        try:
            yield way(expression)
        except Exception:  # SymPy raises all sorts for odd expressions: another way may do
            continue


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

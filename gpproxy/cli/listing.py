"""`gpproxy list NOUN`: what there is, each with its source and one line.

In: a noun, plug-ins. Out: rows of a name, a source and a sentence. A noun is loaded only when it is asked for.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gpproxy.errors import ConfigError, GPProxyError, did_you_mean

#: A name, where it comes from, and what it is.
Row = tuple[str, str, str]
#: Columns by which the further lines of a row stand in, in a terminal.
INDENT = 4


def spaces() -> Iterator[Row]:
    """The search spaces."""
    from gpproxy.search_spaces import SEARCH_SPACES

    for name, cls in SEARCH_SPACES.items():
        yield name, cls.source, _first(cls)


def benchmarks() -> Iterator[Row]:
    """The tables of measured architectures, without reading their rows."""
    from gpproxy.benchmarks.registry import BENCHMARKS, card_of

    for name in BENCHMARKS:
        card = card_of(name)
        if card is None:
            yield name, "", "a table of a plug-in"
        else:
            told = f"{card.task}, {card.data}" if card.task else card.data
            yield name, card.source, f"{card.metric} ({card.direction} is better) of {card.space}: {told}"


def statistics() -> Iterator[Row]:
    """The terminals of formulas."""
    import gpproxy.statistics.terminals  # noqa: F401  registers them
    from gpproxy.statistics.statistic import STATISTICS

    for name, one in STATISTICS.items():
        yield name, one.source, f"{one.type.__name__}: {one.summary} {one.remark}".rstrip()


def primitives() -> Iterator[Row]:
    """The functions of formulas."""
    from gpproxy.primitives import PRIMITIVES

    for name, one in PRIMITIVES.items():
        yield name, one.source, f"{one.group}: {one.summary}"


def proxies() -> Iterator[Row]:
    """Proxies that a name stands for: those that are formulas, and the classical ones that are computed otherwise."""
    from gpproxy.proxies.named import NAMED
    from gpproxy.statistics.classical import PROXIES

    for name, one in PROXIES.items():
        yield name, one.source, f"{NAMED.get(name) or one.summary} {one.remark}".rstrip()
    for name, formula in NAMED.items():
        if name not in PROXIES:
            yield name, "gpproxy", formula


def estimators() -> Iterator[Row]:
    """What tells the worth of an architecture in a search."""
    from gpproxy.estimators.registry import ESTIMATORS, names

    for name in names():
        yield name, "", _first(ESTIMATORS[name])


def recipes() -> Iterator[Row]:
    """The presets of trainings."""
    from gpproxy.tasks.registry import tasks

    for task in tasks():
        for name, one in task.presets.items():
            yield name, f"task {task.name}", f"{one.steps:,} steps of batch {one.batch}"


def runs() -> Iterator[Row]:
    """The folders below runs/ and builds/, with what they are, how far they are, and what was found there."""
    from gpproxy.run.kind import kind_of

    for path in sorted((*Path("runs").glob("*/"), *Path("builds").glob("*/"))):
        try:
            kind = kind_of(path)
        except GPProxyError as error:
            yield str(path), "", str(error)
            continue
        if kind is not None:
            yield str(path), f"{kind.command}, {_state(path)}", _told(path)


def _told(path: Path) -> str:
    """The test and the formula of a finished run, the mean test of a finished series; else nothing."""
    from gpproxy.run.tables import number

    formula, result, series = path / "formula.txt", path / "result.json", path / "series.json"
    if formula.is_file():
        text = formula.read_text(encoding="utf-8").strip()
        if not result.is_file():
            return text
        test = json.loads(result.read_text(encoding="utf-8"))["test"]
        return f"τ {number(test['kendall'])}, ρ {number(test['spearman'])} on {test['n']} tested: {text}"
    if not series.is_file():
        return ""
    from gpproxy.evolve.several import read_series

    parts = []
    for name, one in read_series(path).items():
        row = one.row("formula")
        means = f"τ {number(row.kendall.mean)}, ρ {number(row.spearman.mean)}"
        parts.append(f"{name}: {means}, mean of {len(one.seeds)} seeds")
    return "; ".join(parts)


def _state(path: Path) -> str:
    """`finished`, `running` or `unfinished`."""
    from gpproxy.run.locks import taken

    if any((path / name).is_file() for name in ("result.json", "outcome.json", "series.json", "curve.json")):
        return "finished"
    return "running" if taken(path) else "unfinished"


def _first(thing: object) -> str:
    """The first sentence of what something says of itself."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


NOUNS: dict[str, Callable[[], Iterator[Row]]] = {
    "spaces": spaces,
    "benchmarks": benchmarks,
    "statistics": statistics,
    "primitives": primitives,
    "proxies": proxies,
    "estimators": estimators,
    "recipes": recipes,
    "runs": runs,
}


def main(arguments: Sequence[str]) -> int:
    """The command; returns the exit code. Raises ConfigError for a noun that does not exist."""
    noun, rest = (arguments[0], arguments[1:]) if arguments else ("", ())
    if noun in ("", "-h", "--help"):
        print(f"usage: gpproxy list {{{','.join(NOUNS)}}} [--plugins FILE]\n\nEach with its source and one line.")
        return 0 if noun else 1
    if noun not in NOUNS:
        raise ConfigError(f"gpproxy list knows {', '.join(NOUNS)}, but not '{noun}'.{did_you_mean(noun, NOUNS)}")
    from gpproxy.registry import load_plugin
    from gpproxy.run.console import usual_console
    from gpproxy.run.tables import wrapped

    for word, value in zip(rest, [*rest[1:], ""]):
        if word == "--plugins":
            load_plugin(value)
    console = usual_console()
    found = list(NOUNS[noun]())
    if not found:
        console.print(f"There are no {noun} here.")
    for name, source, text in found:
        told = f"{name}  [{source}]  {text}" if source else f"{name}  {text}"
        # One line each for other programs; a person reads the whole, too.
        lines = wrapped(told, console.width - INDENT) if console.is_terminal else [told]
        for line in [lines[0], *(" " * INDENT + line for line in lines[1:])]:
            console.print(line, soft_wrap=True, markup=False)
    return 0

"""Divides a table once: train drives fitness, validation picks, test is read once at the end.

In: a Benchmark and its space. Out: three tuples of codes. Functionally identical architectures never stand on both
sides of a split: their trained qualities differ by noise only, so a formula could learn them by heart. Where one
formula is evolved on several tables, that holds across them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpproxy.benchmarks.benchmark import Benchmark
from gpproxy.errors import BenchmarkError
from gpproxy.ranking.equivalence import functional_classes
from gpproxy.search_spaces import SearchSpace
from gpproxy.seeds import python_random

#: The parts, in order.
PARTS = ("train", "validation", "test")
#: Those that a formula learns from and is chosen by.
LEARNT = ("train", "validation")
#: Architectures to learn from, where the table has twice as many.
TRAIN = 100
#: Labels for each one of the test, where a table is small: half are learnt from, and half of the rest is tested.
TESTED = 4
#: Most of a part, where nothing else is said: what a thousand networks leave open, ten thousand hardly tell better.
MOST = 1000
#: Fewest architectures of a part, so that a rank correlation means anything.
SMALLEST = 4


@dataclass(frozen=True)
class Split:
    """Codes of the three parts, each sorted; no functional class stands in two of them.

    Attributes:
        elsewhere: those in no part, because an earlier part of another table has their class.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()


def split(
    benchmark: Benchmark,
    space: SearchSpace,
    train: int | None = None,
    seed: int = 0,
    validation: int | None = None,
    labels: int | None = None,
) -> Split:
    """The split of a seed, the same on every machine.

    Whole classes are drawn at random until a part has its size, exactly where the class sizes allow it, otherwise just
    below. By default train is `TRAIN` or half of a smaller table, and validation half of the rest; the remaining ones
    are the test. Neither of these has more than `MOST` by default; of a larger table, what is left over has no part.

    With `labels`, training and validation keep only so many architectures together, two thirds for the training; the
    test stays what it is.

    Raises BenchmarkError when the table is too small for the sizes asked for.
    """
    for name, size in (("train", train), ("validation", validation)):
        if size is not None and size < SMALLEST:
            raise BenchmarkError(f"{name} must be at least {SMALLEST} architectures, but is {size}.")
    if len(benchmark) < 3 * SMALLEST:
        raise BenchmarkError(
            f"{benchmark.name} has {len(benchmark)} architectures, but at least {3 * SMALLEST} are needed: {SMALLEST} "
            f"each for {', '.join(PARTS[:-1])} and {PARTS[-1]}. Measure more of them."
        )
    train, validation = usual_sizes(len(benchmark), train, validation)
    rest = len(benchmark) - train
    if rest < 2 * SMALLEST:
        raise BenchmarkError(
            f"train = {train} leaves {max(rest, 0)} of the {len(benchmark)} architectures of {benchmark.name} for "
            f"validation and test, which need at least {2 * SMALLEST}. Choose train <= {len(benchmark) - 2 * SMALLEST}."
        )
    if rest - validation < SMALLEST:
        raise BenchmarkError(
            f"train = {train} and validation = {validation} leave {max(rest - validation, 0)} of the "
            f"{len(benchmark)} architectures of {benchmark.name} for the test, which needs at least {SMALLEST}."
        )
    codes = sorted(benchmark.architectures)
    classes: dict[int, list[str]] = {}
    for code, number in zip(codes, functional_classes(codes, space), strict=True):
        classes.setdefault(number, []).append(code)
    order = list(classes.values())
    python_random("split", seed).shuffle(order)
    first, order = _draw(order, train)
    second, order = _draw(order, validation)
    third, _ = _draw(order, min(sum(map(len, order)), MOST))
    parts = [sorted(code for group in part for code in group) for part in (first, second, third)]
    for name, part in zip(PARTS, parts, strict=True):
        if len(part) < SMALLEST:
            raise BenchmarkError(
                f"{benchmark.name} has {len(benchmark)} architectures in {len(classes)} functional classes, the "
                f"largest with {max(map(len, classes.values()))}, and a class may not be divided: {name} would get "
                f"{len(part)} architectures, but needs at least {SMALLEST}. Change the sizes of the parts."
            )
    return Split(*map(tuple, _fewer(parts, labels, seed)))


def splits(
    tables: Sequence[tuple[Benchmark, SearchSpace]],
    train: int | None = None,
    seed: int = 0,
    validation: int | None = None,
    labels: int | None = None,
) -> list[Split]:
    """The `split` of each of several tables that one formula is evolved on.

    What a formula learns from in one table is left out of the validation and test of the others, and what it is chosen
    by out of their tests. Tables of the same architectures are divided alike and lose nothing.

    Raises BenchmarkError as `split` does, and where that leaves a part too small.
    """
    parts = [split(table, space, train, seed, validation, labels) for table, space in tables]
    if len(tables) < 2:
        return parts
    classes = [
        {code: (space.name, space.canonical(space.decode(code))) for code in table.architectures}
        for table, space in tables
    ]
    found = []
    for number, (table, _) in enumerate(tables):
        others = [at for at in range(len(tables)) if at != number]
        kept, seen = {"train": parts[number].train}, set()
        for earlier, name in zip(LEARNT, PARTS[1:]):
            seen |= {classes[at][code] for at in others for code in getattr(parts[at], earlier)}
            kept[name] = tuple(code for code in getattr(parts[number], name) if classes[number][code] not in seen)
            if len(kept[name]) < SMALLEST:
                raise BenchmarkError(
                    f"{table.name} has architectures in common with the other tables. Without those that a formula "
                    f"would see there, its {name} has {len(kept[name])}, but needs at least {SMALLEST}. Evolve on one "
                    f"table and judge on the other: gpproxy score --transfer --proxy RUN --benchmark {table.name}"
                )
        left = {code for part in PARTS for code in getattr(parts[number], part)}.difference(*kept.values())
        found.append(Split(**kept, elsewhere=tuple(sorted(left))))
    return found


def usual_sizes(architectures: int, train: int | None = None, validation: int | None = None) -> tuple[int, int]:
    """Train and validation of a table, as far as they are not given; the test has the rest, `MOST` at most.

    >>> usual_sizes(12), usual_sizes(72), usual_sizes(334), usual_sizes(10**5)
    ((4, 4), (36, 18), (100, 117), (100, 1000))
    """
    if train is None:
        train = min(TRAIN, architectures // 2, architectures - 2 * SMALLEST)
    return train, min((architectures - train) // 2, MOST) if validation is None else validation


def _fewer(parts: list[list[str]], labels: int | None, seed: int) -> list[list[str]]:
    """The parts with at most `labels` architectures to learn from, drawn by the seed; fewer are part of more."""
    if labels is None:
        return parts
    if not 2 * SMALLEST <= labels <= len(parts[0]) + len(parts[1]):
        raise BenchmarkError(
            f"labels = {labels}, but {2 * SMALLEST} to {len(parts[0]) + len(parts[1])} can be learnt from here."
        )
    train = min(max(round(labels * 2 / 3), labels - len(parts[1])), labels - SMALLEST, len(parts[0]))
    sizes = (train, labels - train)
    kept = []
    for name, part, size in zip(PARTS, parts, sizes):
        order = list(part)
        python_random("labels", name, seed).shuffle(order)
        kept.append(sorted(order[:size]))
    return [*kept, parts[2]]


def _draw(groups: Sequence[list[str]], count: int) -> tuple[list[list[str]], list[list[str]]]:
    """Takes groups in order until they hold `count` codes, skipping one only where it would make that impossible."""
    # Bit s of reachable[i]: some of the groups from i on hold s codes together. More than `count` are not asked for.
    reachable, asked = [1], (1 << count + 1) - 1
    for group in reversed(groups):
        reachable.append((reachable[-1] | reachable[-1] << len(group)) & asked)
    reachable.reverse()
    while not reachable[0] >> count & 1:
        count -= 1
    taken, left = [], []
    for i, group in enumerate(groups):
        if len(group) <= count and reachable[i + 1] >> (count - len(group)) & 1:
            taken.append(group)
            count -= len(group)
        else:
            left.append(group)
    return taken, left

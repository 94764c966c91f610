"""Names to tables: the built-in ones, those of other packages, and any file.

In: a name or a path. Out: a Benchmark. Every NAME.csv with its card in this folder is a built-in table. The
tables of TransNAS, horse2zebra and sr-bass are third-party data (`gpproxy.run.data_folder`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from gpproxy.benchmarks import bass
from gpproxy.benchmarks.benchmark import Benchmark, Card
from gpproxy.benchmarks.csv_table import read_card, read_table
from gpproxy.benchmarks.horse2zebra import CARD as HORSE2ZEBRA_CARD
from gpproxy.benchmarks.horse2zebra import NAME as HORSE2ZEBRA
from gpproxy.benchmarks.horse2zebra import read_horse2zebra
from gpproxy.benchmarks.suite_zero import TASKS, how_to_get, read_suite_zero, suite_zero_card, table_name
from gpproxy.errors import BenchmarkError, RegistryError, did_you_mean
from gpproxy.registry import Registry
from gpproxy.run.data_folder import data_path, how_to_put

#: Reads a table; the argument says what to do with bad rows, `refuse` or `drop`.
Loader = Callable[[str], Benchmark]

BENCHMARKS: Registry[Loader] = Registry("benchmark", "gpproxy.benchmarks")


def load(name: str | Path, on_bad_rows: str = "refuse") -> Benchmark:
    """The table of a name, or of a path to a CSV, its card, or a NAS-Bench-Suite-Zero JSON file.

    `TABLE:COLUMN` is a table ranked by another of its measured columns, whose direction its card tells.

    Raises RegistryError for an unknown name, BenchmarkError for a missing or broken table.

    >>> table = load("autogan-cifar10")
    >>> len(table), table.card.metric, table.card.direction
    (300, 'FD(cifar)', 'lower')
    """
    text = str(name)
    table, colon, column = text.partition(":")
    if colon and (place := _file_of(table)) is not None:
        return read_table(place, read_card(place).by(column), on_bad_rows, text)
    if text in BENCHMARKS:
        return BENCHMARKS[text](on_bad_rows)
    path = Path(text).expanduser()
    if path.suffix.lower() in (".csv", ".toml"):
        return read_table(path, on_bad_rows=on_bad_rows)
    if path.suffix == ".json":
        kinds = [kind for kind in ("macro", "micro") if kind in path.name]
        if len(kinds) != 1:
            raise BenchmarkError(
                f"A JSON table is one of NAS-Bench-Suite-Zero and has either 'macro' or 'micro' in its name, "
                f"but {path.name} does not. Rename it, or turn it into a CSV file with a card."
            )
        return read_suite_zero(path, kinds[0], on_bad_rows=on_bad_rows)
    raise RegistryError(
        f"There is no benchmark '{text}'.{did_you_mean(text, BENCHMARKS)} Known: {', '.join(BENCHMARKS)}; "
        "or give the path of a CSV file with a card."
    )


def _file_of(text: str) -> Path | None:
    """The file of a table with a card: one that comes with gpproxy, or a path; None for another."""
    path = Path(text).expanduser()
    if path.suffix.lower() in (".csv", ".toml"):
        return path
    shipped = Path(__file__).parent / f"{text}.toml"
    return shipped if text in BENCHMARKS and shipped.is_file() else None


def _transnas(kind: str, task: str, on_bad_rows: str) -> Benchmark:
    name = f"transnas/zc_transbench101_{kind}.json"
    path = data_path(name)
    if not path.is_file():
        raise BenchmarkError(
            f"The benchmark {table_name(kind, task)} is read from {path}, which is not there. {how_to_get(kind)} "
            f"{how_to_put(name)[:-1]}, or give its path instead of the name."
        )
    return read_suite_zero(path, kind, task, on_bad_rows)


def _horse2zebra(on_bad_rows: str) -> Benchmark:
    return read_horse2zebra(data_path(HORSE2ZEBRA).parent, on_bad_rows)


def _built_in(folder: Path) -> None:
    for card in sorted(folder.glob("*.toml")):
        if card.with_suffix(".csv").is_file():
            BENCHMARKS.add(card.stem, partial(_shipped, card))


def _shipped(card: Path, on_bad_rows: str) -> Benchmark:
    return read_table(card, on_bad_rows=on_bad_rows)


#: Name -> the file and the task of a table of TransNAS-Bench-101.
TRANSNAS = {table_name(kind, task): (kind, task) for task in TASKS for kind in ("micro", "macro")}
for _name, (_kind, _task) in TRANSNAS.items():
    BENCHMARKS.add(_name, partial(_transnas, _kind, _task))
BENCHMARKS.add(HORSE2ZEBRA, _horse2zebra)
BENCHMARKS.add(bass.NAME, lambda on_bad_rows: bass.read_bass(data_path(bass.FILE), on_bad_rows))
_built_in(Path(__file__).parent)


def card_of(text: str) -> Card | None:
    """The card of a table that comes with gpproxy, is known to it or has a file with a card, or of `TABLE:COLUMN`,
    without its rows; None for another table. Raises BenchmarkError for a missing or broken file.
    """
    if text == HORSE2ZEBRA:
        return HORSE2ZEBRA_CARD
    if text == bass.NAME:
        return bass.CARD
    if text in TRANSNAS:
        return suite_zero_card(*TRANSNAS[text])
    table, colon, column = text.partition(":")
    path = _file_of(table)
    if path is None:
        return None
    return read_card(path).by(column) if colon else read_card(path)

"""The project's own table format: NAME.csv with one training per row, and the card NAME.toml beside it.

In: a path. Out: a Benchmark (`read_table`), or the raw cells for a builder that appends (`read_rows`). Writing is
atomic: a killed process leaves the old file or the new one.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from gpproxy.benchmarks.benchmark import Benchmark, Card, open_space
from gpproxy.benchmarks.rows import Row, assemble
from gpproxy.errors import BenchmarkError, did_you_mean
from gpproxy.files import write_atomically
from gpproxy.run.reading import reading, toml_of, typed

FALSE = ("", "0", "false", "no")
TRUE = ("1", "true", "yes")
#: Names of columns that have none: empty, and what pandas makes of that when it reads it.
NAMELESS = re.compile(r"(Unnamed: \d+)?")
#: Keys of a card that hold no text.
KINDS = {
    "seeds": int, "text_columns": list, "measured_columns": list,
    "space_settings": dict, "look_settings": dict, "directions": dict, "facts": dict,
}  # fmt: skip


def read_table(path: str | Path, card: Card | None = None, on_bad_rows: str = "refuse", name: str = "") -> Benchmark:
    """The Benchmark of a CSV file, with the card beside it unless one is given. `path` may also be that of the card.

    Raises BenchmarkError: a missing or broken file, a missing column, bad rows.
    """
    path = table_path(path)
    card = card or read_card(path)
    rows = table_rows(path, card)
    with reading(path.with_suffix(".toml"), "Mend the card.", BenchmarkError):
        space = open_space(card)
    table = assemble(name or path.stem, card, space, rows, str(path), on_bad_rows)
    told = [f"column {place} is left out: it has no name, as the index of a data frame" for place in _nameless(path)]
    return dataclasses.replace(table, remarks=(*table.remarks, *told))


def _nameless(path: Path) -> list[int]:
    """The places, from 1 on, of columns without a name: data frames write their index so."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        _, header = next(_lines(file))
    return [place for place, name in enumerate(header, start=1) if NAMELESS.fullmatch(name)]


def table_rows(path: str | Path, card: Card) -> list[Row]:
    """The rows of a CSV file as the card reads them; what is wrong inside a row is its `fault`.

    Raises BenchmarkError: a missing or broken file, a missing column.
    """
    path = table_path(path)
    header, lines = _read_csv(path)
    for column in (card.architecture_column, card.metric):
        if column not in header:
            hint = did_you_mean(column, header)
            raise BenchmarkError(f"{path} has no column '{column}'.{hint} Its columns: {', '.join(header)}.")
    return [_row(number, cells, header, card) for number, cells in lines]


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """The cells of a CSV file as text, row by row, nothing checked beyond the number of fields."""
    path = table_path(path)
    header, lines = _read_csv(path)
    for number, cells in lines:
        if len(cells) != len(header):
            raise BenchmarkError(f"{path}, row {number} has {len(cells)} fields, but the header has {len(header)}.")
    return [dict(zip(header, cells, strict=True)) for _, cells in lines]


def read_card(path: str | Path) -> Card:
    """The card at `path`, or beside the table at `path`. Raises BenchmarkError for a missing or broken one."""
    table, path = _pair(path)
    if not path.is_file() and not table.is_file():
        raise BenchmarkError(f"The table {table} is not there, and its card {path.name} neither. Check the path.")
    if not path.is_file():
        raise BenchmarkError(
            f"The table {table} needs a card {path}, which is not there. It holds at least: "
            'space = "transnas-micro", metric = "the column with the quality", direction = "higher" or "lower".'
        )
    content = toml_of(path, BenchmarkError)
    fields = {f.name: f for f in dataclasses.fields(Card)}
    for key, value in content.items():
        if key not in fields:
            raise BenchmarkError(f"The card {path} has the unknown key '{key}'.{did_you_mean(key, fields)}")
        expected = KINDS.get(key, str)
        if not isinstance(value, expected) or isinstance(value, bool):
            raise BenchmarkError(f"The card {path} expects {expected.__name__} for '{key}', but has {value!r}.")
    missing = [key for key in ("space", "metric", "direction") if key not in content]
    if missing:
        raise BenchmarkError(f"The card {path} lacks {', '.join(missing)}.")
    for key in ("text_columns", "measured_columns"):
        content[key] = tuple(content.get(key, ()))
    with reading(path, "Mend the card.", BenchmarkError):
        return typed(Card(**content))


def write_table(path: str | Path, card: Card, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Writes NAME.toml and NAME.csv: the columns in order of first appearance, architecture, seed and metric first.

    Numbers keep every digit; None and NaN become empty cells. Returns the path of the CSV file.
    """
    path, card_path = _pair(path)
    first = (card.architecture_column, card.seed_column, card.metric, card.collapsed_column)
    names = list(dict.fromkeys(name for row in rows for name in row))
    header = [name for name in first if name in names] + [name for name in names if name not in first]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(row.get(name)) for name in header] for row in rows)
    content = {key: value for key, value in dataclasses.asdict(card).items() if value not in ("", (), {}, 0)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(card_path, tomli_w.dumps(content, multiline_strings=True))
    write_atomically(path, text.getvalue())
    return path


def table_path(path: str | Path) -> Path:
    """The path of the CSV file, whether that of the table, of its card, or their common name is given."""
    return _pair(path)[0]


def _pair(path: str | Path) -> tuple[Path, Path]:
    """The paths of table and card, whichever is given, or the name that they share."""
    path = Path(path).expanduser()
    if path.suffix.lower() == ".csv":
        return path, path.with_suffix(".toml")
    name = path.with_suffix("") if path.suffix.lower() == ".toml" else path
    return name.parent / f"{name.name}.csv", name.parent / f"{name.name}.toml"


def _read_csv(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and (line number, cells) of every line that is not empty."""
    if not path.is_file():
        raise BenchmarkError(
            f"The table {path} is not there. Expected: a CSV file with a header line, one trained architecture per "
            f"row, and its card {path.with_suffix('.toml').name} beside it."
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(_lines(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchmarkError(f"{path} is not a readable CSV file in UTF-8: {error}.") from error
    if not lines:
        raise BenchmarkError(f"{path} is empty. Expected a header line and one trained architecture per row.")
    nameless = {place for place, name in enumerate(lines[0][1]) if NAMELESS.fullmatch(name)}
    if nameless:
        width = len(lines[0][1])
        lines = [(n, [c for i, c in enumerate(cells) if i not in nameless or i >= width]) for n, cells in lines]
    header = lines[0][1]
    twice = [name for i, name in enumerate(header) if name in header[:i]]
    if twice:
        raise BenchmarkError(f"{path} has two columns named '{twice[0]}'. Rename one.")
    return header, lines[1:]


def _lines(file: Any) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(file, strict=True)
    last = 0
    for cells in reader:
        number, last = last + 1, reader.line_num
        if any(cell.strip() for cell in cells):
            yield number, [cell.strip() for cell in cells]


def _row(number: int, cells: Sequence[str], header: Sequence[str], card: Card) -> Row:
    row = dict(zip(header, cells, strict=False))
    code = row.get(card.architecture_column, "")
    if len(cells) != len(header):
        return Row(number, code, fault=f"has {len(cells)} fields, but the header has {len(header)}")
    try:
        collapsed = _truth(card.collapsed_column, row.get(card.collapsed_column, ""))
        metric = _number(card.metric, row[card.metric])
        others = {
            name: _number(name, cell, "; name a column of text in text_columns of the card")
            for name, cell in row.items()
            if name not in (card.architecture_column, card.seed_column, card.collapsed_column, card.metric)
            and name not in card.text_columns
        }
    except ValueError as error:
        return Row(number, code, fault=str(error))
    return Row(number, code, metric, row.get(card.seed_column, ""), collapsed, others)


def _number(name: str, cell: str, hint: str = "") -> float:
    """The number in a cell; NaN for an empty one. Raises ValueError, with the hint, for a text."""
    try:
        return float(cell) if cell else math.nan
    except ValueError:
        raise ValueError(f"{name} is '{cell}', not a number{hint}") from None


def _truth(name: str, cell: str) -> bool:
    if cell.lower() not in FALSE + TRUE:
        raise ValueError(f"{name} is '{cell}', not 0 or 1")
    return cell.lower() in TRUE


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return repr(float(value)) if isinstance(value, float) else str(value)

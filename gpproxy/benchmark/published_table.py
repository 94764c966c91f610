"""What `benchmark published` prints: a table per study and data set, a line per method, with its source."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from gpproxy.benchmarks.published import Published, published


def published_lines(data: str = "") -> Iterator[Text]:
    """The lines of all tables, or of those of one data set."""
    tables: dict[tuple[str, str], list[Published]] = {}
    for one in published(data):
        tables.setdefault((one.study, one.data), []).append(one)
    for (study, name), figures in tables.items():
        measures = list(dict.fromkeys(one.measure for one in figures))
        methods: dict[str, dict[str, Published]] = {}
        for one in figures:
            methods.setdefault(one.method, {})[one.measure] = one
        room = max(24, *map(len, methods))
        yield Text(f"{study}, {name}", style="bold").append(f"  [{figures[0].source}]", style="not bold dim")
        yield Text(f"{'':{room}}" + "".join(f" {measure:>12}" for measure in measures), style="dim")
        for method, own in methods.items():
            cells = (own[measure].figure if measure in own else "-" for measure in measures)
            yield Text(f"{method:<{room}}" + "".join(f" {cell:>12}" for cell in cells))
        yield Text()

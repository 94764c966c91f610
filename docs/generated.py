"""Pages that are made when the site is built, a hook of mkdocs: the reference from the registries, and the notebooks.

In: what registers itself in gpproxy, the files of docs/notebooks, CHANGELOG.md and CONTRIBUTING.md. Out: pages that are
nowhere written down, so they cannot be out of date. Nothing is measured and no table of others is read here.
"""

from __future__ import annotations

import dataclasses
import html
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # the site describes this checkout, not what may be installed

import gpproxy  # noqa: E402
from gpproxy.expressions.notation.formula import Formula  # noqa: E402


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages."""
    for name, make in PAGES.items():
        files.append(File.generated(config, name, content=make()))
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=notebook(path)))
    return files


def prose(text: str) -> str:
    """Plain text of a docstring as HTML that Markdown leaves alone; `code` stays code."""
    pieces = re.split(r"`([^`]*)`", html.escape(" ".join(text.split()), quote=False))
    marked = [f"<code>{one}</code>" if place % 2 else one for place, one in enumerate(pieces)]
    return re.sub(r"[|*_\[\]\\#~^]", lambda sign: f"&#{ord(sign.group())};", "".join(marked))


def paragraphs(thing: object) -> str:
    """What something says of itself, paragraph by paragraph."""
    text = inspect.getdoc(thing) or ""
    told = [part for part in text.split("\n\n") if not re.match(r"\s*(Args|Attributes|Raises|>>>)", part)]
    return "\n\n".join(prose(part) for part in told)


def attributes(cls: type) -> dict[str, str]:
    """Field -> what it means, from the docstrings of a class and those that it inherits from."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        listed = re.search(r"^Attributes:\n(.*?)(?:\n\S|\Z)", inspect.getdoc(one) or "", re.DOTALL | re.MULTILINE)
        for names, text in re.findall(
            r"^    (\w[\w, ]*): (.*(?:\n {5,}.*)*)", listed[1] if listed else "", re.MULTILINE
        ):
            found.update({name.strip(): prose(text) for name in names.split(",")})
    return found


def code(text: str) -> str:
    """Text as code in a cell of a table."""
    return "<code>" + html.escape(text, quote=False).replace("|", "&#124;") + "</code>"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown; the cells are ready."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def page(title: str, opening: str, blocks: Iterator[str]) -> str:
    """A page of blocks."""
    return "\n\n".join([f"# {title}", opening, *blocks]) + "\n"


def formula(name: str) -> str:
    """The formula that a name stands for, as MathML and as text; empty for what is computed otherwise."""
    made = gpproxy.load_proxy(name)
    if not made.proxy.formula:
        return ""
    return f'<div class="formula">{Formula(made.proxy.tree).mathml}</div>\n\n```\n{made.proxy.formula}\n```'


def statistics() -> str:
    """Every statistic, by type."""
    import gpproxy.statistics.terminals  # noqa: F401  registers them
    from gpproxy.statistics.statistic import STATISTICS

    def blocks() -> Iterator[str]:
        kinds = dict.fromkeys(one.type for one in STATISTICS.values())
        for kind in kinds:
            yield f"## {kind.__name__}"
            yield paragraphs(kind)
            for one in STATISTICS.values():
                if one.type is kind:
                    yield f"### {one.name}"
                    yield paragraphs(one.function)
                    needs = "Needs a backward pass" if one.backward else "Needs forward passes alone"
                    needs = "Is structure: no pass is needed for it" if one.source == "structure" else needs
                    yield f"{needs}. {prose(f'{one.remark} '.lstrip())}Source: {prose(one.source)}."

    opening = f"What a look keeps of an untrained network, the {len(STATISTICS)} terminals of every formula, by type."
    return page("Statistics", opening, blocks())


def signatures(one: Any) -> str:
    """The types of a primitive, short: what keeps its type in one line, mixed operands once and not in either order."""
    from gpproxy.primitives import PRIMITIVES

    every = dict.fromkeys(s.output for other in PRIMITIVES.values() for s in other.signatures)
    kept = [s for s in one.signatures if all(t is s.output for t in s.inputs)]
    told = []
    if kept:
        missing = [t.__name__ for t in every if all(s.output is not t for s in kept)]
        names = ", ".join(s.output.__name__ for s in kept)
        if len(missing) < len(kept):
            names = f"every type but {', '.join(missing)}" if missing else "every type"
        told.append(f"{', '.join('T' * len(kept[0].inputs))} → T for {names}")
    for s in one.signatures:
        mirrored = any(o.output is s.output and o.inputs == s.inputs[::-1] for o in one.signatures)
        if s in kept or (mirrored and [t.__name__ for t in s.inputs] != sorted(t.__name__ for t in s.inputs)):
            continue
        told.append(f"{', '.join(t.__name__ for t in s.inputs)} → {s.output.__name__}")
    return "<br>".join(map(prose, told))


def primitives() -> str:
    """Every primitive, by group."""
    from gpproxy.primitives import PRIMITIVES

    def blocks() -> Iterator[str]:
        for group in dict.fromkeys(one.group for one in PRIMITIVES.values()):
            some = [one for one in PRIMITIVES.values() if one.group == group]
            yield f"## {group} ({len(some)})"
            rows = [(code(one.name), prose(one.summary), signatures(one), prose(one.source)) for one in some]
            yield table(("name", "what", "types", "source"), rows)

    opening = (
        f"The {len(PRIMITIVES)} pure functions of formulas. Each is tried on probe tensors when it registers; what "
        "more is declared of one (parity, range, laws) is tested, too."
    )
    return page("Primitives", opening, blocks())


def proxies() -> str:
    """Every named proxy."""
    from gpproxy.proxies.named import HAND_MADE, NAMED
    from gpproxy.statistics.classical import PROXIES

    def blocks() -> Iterator[str]:
        yield "## Classical"
        for name, one in PROXIES.items():
            yield f"### {name}"
            yield paragraphs(one.function)
            better = "Higher" if one.direction > 0 else "Lower"
            yield f"{better} is published as better. {prose(f'{one.remark} '.lstrip())}Source: {prose(one.source)}."
            if name in NAMED:
                yield formula(name)
        for title, names in (
            ("Descriptors and similar forms", [name for name in NAMED if name not in (*PROXIES, *HAND_MADE)]),
            ("Made by hand, of this project", list(HAND_MADE)),
        ):
            yield f"## {title}"
            for name in names:
                yield f"### {name}"
                yield formula(name)

    opening = (
        "What a name stands for in `--proxy NAME` and `gpproxy.load_proxy`. Where a proxy is a formula, evolution can "
        "start from it."
    )
    return page("Proxies", opening, blocks())


def spaces() -> str:
    """Every search space."""
    from gpproxy.search_spaces import SEARCH_SPACES
    from gpproxy.search_spaces.check import make_space

    def blocks() -> Iterator[str]:
        for name, cls in SEARCH_SPACES.items():
            yield f"## {name}"
            yield paragraphs(cls)
            space = make_space(name)
            yield f"{space.count():,} architectures. Source: {prose(cls.source)}."
            rows = [(code(f.name), code(repr(f.default))) for f in dataclasses.fields(cls.Settings)]
            if rows:
                yield table(("setting", "default"), rows)
            published = [(code(f"{name}-{key}".lower()), code(space.encode(a))) for key, a in space.published.items()]
            if published:
                yield table(("published", "code"), published)

    opening = (
        "Families of generators. `--space-settings NAME=VALUE` changes a setting; `--arch` takes a code or a published "
        "name."
    )
    return page("Search spaces", opening, blocks())


def tables() -> str:
    """Every table of measured architectures, by its card alone."""
    from gpproxy.benchmarks.registry import BENCHMARKS, card_of

    def blocks() -> Iterator[str]:
        for name in BENCHMARKS:
            card = card_of(name)
            if card is not None:
                yield f"## {name}"
                facts = {
                    "space": card.space,
                    "measure": f"{card.metric}, {card.direction} is better",
                    "task": card.task,
                    "data": card.data,
                    "source": card.source,
                }
                yield table(("", ""), [(key, prose(str(value))) for key, value in facts.items() if value])

    opening = "Measured architectures, by name in `--benchmark`. See [results](../results.md#the-shipped-tables)."
    return page("Tables", opening, blocks())


def tasks() -> str:
    """Every task with its recipes."""
    from gpproxy.tasks.registry import tasks as every

    def blocks() -> Iterator[str]:
        for one in every():
            yield f"## {one.name}"
            yield paragraphs(inspect.getmodule(one))
            for name, preset in one.presets.items():
                yield f"### Recipe {name}"
                told = attributes(type(preset))
                rows = [
                    (code(f.name), code(str(getattr(preset, f.name))), told.get(f.name, ""))
                    for f in dataclasses.fields(preset)
                ]
                yield table(("name", "value", "what"), rows)

    opening = (
        "What a generator is trained for, and the recipes: `--recipe NAME`, with changes by `--recipe-settings "
        "NAME=VALUE`."
    )
    return page("Tasks and recipes", opening, blocks())


def estimators() -> str:
    """Every estimator."""
    from gpproxy.estimators.registry import ESTIMATORS, names

    def blocks() -> Iterator[str]:
        for name in names():
            yield f"## {name}"
            yield paragraphs(ESTIMATORS[name])

    return page(
        "Estimators",
        "What tells the worth of an architecture in `search --estimator` and `benchmark estimate`.",
        blocks(),
    )


def notebook(path: Path) -> str:
    """The cells of a notebook as a page."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    parts.insert(1, f"As a file to run: [{path.name}]({path.name}).")
    return "\n\n".join(parts) + "\n"


def of_root(name: str) -> Callable[[], str]:
    """A file of the root of the repository; its links into docs/ lead to the pages."""

    def read() -> str:
        return (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")

    return read


def index() -> str:
    """The head of the README, up to where it tells how to install."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    head = text[: text.index("## What a run shows")].replace("](docs/notebooks)", "](notebooks/shipped-table.md)")
    return (
        head.replace("](docs/", "](")
        + "\n[First steps](first-steps.md) tell the rest, [honesty](honesty.md) what to believe.\n"
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "index.md": index,
    "contributing.md": of_root("CONTRIBUTING.md"),
    "changes.md": of_root("CHANGELOG.md"),
    "reference/statistics.md": statistics,
    "reference/primitives.md": primitives,
    "reference/proxies.md": proxies,
    "reference/spaces.md": spaces,
    "reference/tables.md": tables,
    "reference/tasks.md": tasks,
    "reference/estimators.md": estimators,
}

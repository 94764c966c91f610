"""What a proxy given on a command line stands for: a text in, the formula and how to look at generators out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deap import gp

from gpproxy.errors import ConfigError, ExpressionError, RunError, did_you_mean
from gpproxy.evolve.folder import EvolveFolder
from gpproxy.evolve.settings import EvolveSettings
from gpproxy.export.read import load_proxy
from gpproxy.expressions.classical_formulas import NEAR
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse
from gpproxy.proxies.named import KNOWN
from gpproxy.registry import PLUGINS
from gpproxy.run.folder import SPLIT, RunFolder
from gpproxy.run.kind import CONFIG
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collect import Collection
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.statistic import STATISTICS


@dataclass(frozen=True)
class Source:
    """A proxy and how it looks at a generator. Exactly one of `formula`, `classical` and `path` is set.

    Attributes:
        label: short name for tables.
        formula: text of a formula.
        classical: name of a classical proxy that is no formula.
        path: an exported file whose formula cannot be read here, such as one with primitives of a plug-in; it is run.
        seed: of the untrained weights and inputs.
        samples: inputs per look.
        inits: initialisations that a score is the mean of.
        sizes: what cut statistics keep.
        run: folder of the run that the proxy comes from, or empty.
        discovered_on: tables that an exported file says it was discovered on.
        spaces: names of the search spaces that it was discovered on, each with the settings as pairs.
    """

    label: str
    formula: str = ""
    classical: str = ""
    path: str = ""
    seed: int = 0
    samples: int = Collection.samples
    inits: int = 1
    sizes: Sizes = field(default_factory=Sizes)
    run: str = ""
    discovered_on: str = ""
    spaces: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = ()

    @property
    def text(self) -> str:
        return self.formula or self.classical or self.path

    @property
    def tree(self) -> gp.PrimitiveTree:
        """The formula over all registered statistics. Raises ExpressionError."""
        return parse(self.formula, Grammar({s.name: s.type for s in STATISTICS.values()}))

    @property
    def config(self) -> EvolveSettings | None:
        """The settings of the run that the proxy comes from."""
        return EvolveFolder.open(self.run).config if self.run else None

    def changed(self, init_seed: int = -1, samples: int = 0, inits: int = 0) -> Source:
        """The same proxy with another way to look; -1 and 0 keep what it has."""
        seed = self.seed if init_seed < 0 else init_seed
        return replace(self, seed=seed, samples=samples or self.samples, inits=inits or self.inits)


def resolve(text: str) -> Source:
    """The proxy of a run folder, a proxy.py, a name or a formula.

    Raises ConfigError or ExpressionError with the nearest name when it is none of these.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        return _of_run(path)
    if text.endswith(".py"):
        if not path.is_file():
            raise ConfigError(f"The proxy {path} is not there. Give a proxy.py, a run folder, a name or a formula.")
        return _of_file(path)
    if "/" in text and " " not in text and not any(mark in text for mark in "()"):
        raise ConfigError(f"The proxy {text} is neither a folder nor a formula. Check the path.")
    if text in PROXIES and (text in NEAR or text not in KNOWN):
        return Source(text, classical=text, samples=Collection.proxy_samples)
    if text in KNOWN:
        sign = PROXIES[text].direction if text in PROXIES else 1
        return Source(text, formula=KNOWN[text] if sign > 0 else f"-({KNOWN[text]})")
    source = Source(text if len(text) <= 40 else text[:37] + "...", formula=text)
    try:
        source.tree  # noqa: B018  a formula that cannot be read is told at once
    except ExpressionError as error:
        hint = did_you_mean(text, [*KNOWN, *PROXIES]) if text.isidentifier() else ""
        raise ExpressionError(f"proxy={text} is neither a known proxy nor a formula.{hint}\n{error}") from error
    return source


def _of_run(folder: Path) -> Source:
    place = EvolveFolder.open(folder)
    try:
        formula = place.read("formula.txt").strip()
    except RunError as error:
        raise RunError(f"{error} Let it finish: python -m gpproxy.evolve --resume {folder}") from error
    config = place.config
    label = "+".join(Path(name).stem for name in config.benchmarks) + f" ({folder.name})"
    source = Source(label, formula, seed=config.init_seed, samples=config.inputs, inits=config.inits, run=str(folder))
    source = replace(source, spaces=_spaces_of(place))
    try:
        source.tree  # noqa: B018  a formula that cannot be read is told at once
    except ExpressionError as error:
        if missing := [name for name in config.plugins if Path(name).resolve() not in PLUGINS]:
            flags = " ".join(f"--plugins {name}" for name in missing)
            raise ExpressionError(f"{error}\nThe run was made with {flags}: give it here, too.") from error
        raise
    return source


def _spaces_of(place: RunFolder) -> tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]:
    """The spaces of the tables of a run, each once."""
    if not (place.path / SPLIT).is_file():
        return ()
    found = {part["space"]: tuple(part["settings"].items()) for part in place.read_json(SPLIT).values()}
    return tuple(found.items())


def _of_file(path: Path) -> Source:
    run = str(path.parent) if (path.parent / CONFIG).is_file() else ""
    config = EvolveFolder.open(run).config if run else None
    source = Source(path.stem, path=str(path.resolve()), run=run)
    if config is not None:
        source = replace(source, seed=config.init_seed, samples=config.inputs, inits=config.inits)
    try:
        said = load_proxy(path)
        source = replace(source, seed=said.seed, samples=said.samples, inits=config.inits if config else said.inits)
        source = replace(source, discovered_on=str(said.provenance.get("benchmark", "")))
        settings = said.provenance.get("space settings", {})
        spaces = ((said.space, tuple(settings.items())),) if said.space else ()
        source = replace(source, spaces=_spaces_of(EvolveFolder.open(run)) if run else spaces)
        formula = replace(source, formula=said.formula, path="", sizes=said.sizes)
        formula.tree  # noqa: B018  else the file itself is run
    except ExpressionError:
        return source
    return formula

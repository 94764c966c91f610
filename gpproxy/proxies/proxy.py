"""What a proxy is: a formula, a classical proxy, a run or a proxy.py, how it looks at generators, where it comes from.

In: what was given on a command line. Out: a Proxy, which `gpproxy.proxies.scorer` applies.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from deap import gp

from gpproxy.errors import ConfigError, ExpressionError, RunError, did_you_mean
from gpproxy.export.read import load_proxy
from gpproxy.expressions.classical_formulas import NEAR
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.structure import needs
from gpproxy.expressions.text import parse
from gpproxy.proxies.named import NAMED
from gpproxy.proxies.origin import Origin, Spaces, has_origin, read_origin
from gpproxy.registry import FILES, PLUGINS
from gpproxy.run.folder import COMMITTEE, RunFolder
from gpproxy.run.kind import EVOLVE
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.statistic import STATISTICS


@dataclass(frozen=True)
class Proxy:
    """A proxy and how it looks at a generator. Exactly one of `formula`, `classical`, `members` and `path` is set.

    Attributes:
        label: short name for tables.
        formula: text of a formula.
        classical: name of a classical proxy that is no formula.
        members: of a committee, the formulas, each with its scores on what it has learnt from; the score is the mean of
            their votes (`ranking.committee`).
        path: a file whose formula cannot be read here, such as one with primitives of a plug-in or one that was written
            by hand; its function `score` is called.
        init_seed: seed of the first initialisation: of the untrained weights and the inputs.
        inputs: how many the generator is given at a time.
        inits: initialisations that a score is the mean of, from `init_seed` on.
        sizes: what cut statistics keep.
        run: folder of the run that the proxy comes from, or empty.
        benchmarks: names or paths of the tables that it was discovered on, as far as that is known.
        spaces: names of the search spaces of these, each with its settings as pairs.
        space_settings: settings of the spaces that its run was given beside those of the tables, as `NAME=VALUE`.
    """

    label: str
    formula: str = ""
    classical: str = ""
    path: str = ""
    init_seed: int = 0
    inputs: int = Collection.samples
    inits: int = 1
    sizes: Sizes = field(default_factory=Sizes)
    run: str = ""
    benchmarks: tuple[str, ...] = ()
    spaces: Spaces = ()
    space_settings: tuple[str, ...] = ()
    members: tuple[tuple[str, tuple[float, ...]], ...] = ()

    @classmethod
    def load(cls, text: str, init_seed: int = -1, inputs: int = 0, inits: int = 0) -> Proxy:
        """The proxy of a run folder, a proxy.py, a name or a formula.

        Args:
            init_seed, inputs, inits: another way to look; -1 and 0 keep that of the run or file, or the default.

        Raises ConfigError, RunError or ExpressionError, with the nearest name, when it is none of these.

        >>> Proxy.load("min_layers(layer_snip)", inits=2).inits
        2
        >>> Proxy.load("synflow").label
        'synflow'
        """
        return _load(text).changed(init_seed, inputs, inits)

    @property
    def text(self) -> str:
        """What it computes, in one line."""
        committee = f"mean rank of {'; '.join(text for text, _ in self.members)}" if self.members else ""
        return self.formula or committee or self.classical or self.path

    @property
    def tree(self) -> gp.PrimitiveTree:
        """The formula over all registered statistics; not to be changed. Raises ExpressionError."""
        return _tree(self.formula)

    @property
    def trees(self) -> tuple[gp.PrimitiveTree, ...]:
        """The formula, or those of the members of a committee; none where there is no formula."""
        texts = [self.formula] if self.formula else [text for text, _ in self.members]
        return tuple(map(_tree, texts))

    @property
    def statistics(self) -> tuple[str, ...]:
        """The statistics that the formula is made of; none where there is no formula."""
        return tuple(dict.fromkeys(name for tree in self.trees for name in needs(tree)))

    @property
    def needs_backward(self) -> bool:
        """Whether anything that is computed for it here takes a backward pass."""
        classical = bool(self.classical) and PROXIES[self.classical].needs_backward
        return classical or any(STATISTICS[name].backward for name in self.statistics)

    def changed(self, init_seed: int = -1, inputs: int = 0, inits: int = 0) -> Proxy:
        """The same proxy with another way to look; -1 and 0 keep what it has."""
        seed = self.init_seed if init_seed < 0 else init_seed
        return replace(self, init_seed=seed, inputs=inputs or self.inputs, inits=inits or self.inits)


@lru_cache(maxsize=128)
def _tree(formula: str) -> gp.PrimitiveTree:
    return parse(formula, Grammar({s.name: s.type for s in STATISTICS.values()}))


def _load(text: str) -> Proxy:
    path = Path(text).expanduser()
    if os.path.isdir(path):  # not `Path.is_dir`, which raises where a formula is longer than a name may be
        return _of_run(path)
    if path.name == COMMITTEE and path.is_file():
        return _of_committee(path.parent)
    if text.endswith(".py"):
        if not path.is_file():
            raise ConfigError(f"The proxy {path} is not there. Give a proxy.py, a run folder, a name or a formula.")
        return _of_file(path)
    if "/" in text and " " not in text and not any(mark in text for mark in "()"):
        raise ConfigError(f"The proxy {text} is neither a folder nor a formula. Check the path.")
    if text in PROXIES and (text in NEAR or text not in NAMED):
        return Proxy(text, classical=text, inputs=Collection.proxy_samples)
    if text in NAMED:
        sign = PROXIES[text].direction if text in PROXIES else 1
        return Proxy(text, formula=NAMED[text] if sign > 0 else f"-({NAMED[text]})")
    proxy = Proxy(text if len(text) <= 40 else text[:37] + "...", formula=text)
    try:
        proxy.tree  # noqa: B018  a formula that cannot be read is told at once
    except ExpressionError as error:
        hint = did_you_mean(text, [*NAMED, *PROXIES]) if text.isidentifier() else ""
        raise ExpressionError(f"proxy={text} is neither a known proxy nor a formula.{hint}\n{error}") from error
    return proxy


def _of_committee(folder: Path) -> Proxy:
    """The committee of a series or of one run."""
    origin = read_origin(folder)
    told = RunFolder(folder).read_json(COMMITTEE)
    members = tuple((one["formula"], tuple(one["reference"])) for one in told["members"])
    return _readable(origin, _from(origin, Proxy(f"committee ({folder.name})", members=members)))


def _of_run(folder: Path) -> Proxy:
    origin = read_origin(folder)
    file = folder / "formula.txt"
    if not file.is_file() and (folder / COMMITTEE).is_file():
        return _of_committee(folder)
    if not file.is_file():
        raise RunError(
            f"The run folder {folder} has no {file.name}; the run did not get that far. Let it finish: "
            f"{EVOLVE.continued(folder)}, or end it with the formulas so far: {EVOLVE.continued(folder)} --conclude"
        )
    label = "+".join(Path(name).stem for name in origin.benchmarks) + f" ({folder.name})"
    return _readable(origin, _from(origin, Proxy(label, file.read_text(encoding="utf-8").strip())))


def _readable(origin: Origin, proxy: Proxy) -> Proxy:
    """The proxy, whose formulas can be read. Raises ExpressionError with the plug-ins that they need."""
    try:
        proxy.trees  # noqa: B018  a formula that cannot be read is told at once
    except ExpressionError as error:
        if missing := [name for name in origin.plugins if Path(name).resolve() not in PLUGINS]:
            flags = " ".join(f"--plugins {name}" for name in missing)
            raise ExpressionError(f"{error}\nThe run was made with {flags}: give it here, too.") from error
        raise
    return proxy


def _of_file(path: Path) -> Proxy:
    """The proxy of a file; what the run folder around it says of the space goes before what the file says."""
    proxy = Proxy(path.stem, path=str(path.resolve()))
    origin = read_origin(path.parent) if has_origin(path.parent) else None
    if origin is not None:
        proxy = _from(origin, proxy)
    try:
        said = load_proxy(path)
        proxy = replace(proxy, init_seed=said.seed, inputs=said.samples)
        if origin is None:
            tables = str(said.provenance.get("benchmark", "")).split(",")
            settings = said.provenance.get("space settings", {})
            proxy = replace(
                proxy,
                inits=said.inits,
                benchmarks=tuple(name.strip() for name in tables if name.strip()),
                spaces=((said.space, tuple(settings.items())),) if said.space else (),
            )
        formula = replace(proxy, formula=said.formula, members=said.members, path="", sizes=said.sizes)
        formula.trees  # noqa: B018  else the file itself is run
    except ExpressionError:
        FILES.setdefault(proxy.path, proxy.path)
        return proxy
    return formula


def _from(origin: Origin, proxy: Proxy) -> Proxy:
    """The proxy as the run that it comes from has looked."""
    return replace(
        proxy,
        init_seed=origin.init_seed,
        inputs=origin.inputs,
        inits=origin.inits,
        run=str(origin.folder),
        benchmarks=origin.benchmarks,
        spaces=origin.spaces,
        space_settings=origin.space_settings,
    )

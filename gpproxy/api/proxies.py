"""`gpproxy.load_proxy(run | file | formula)`: a proxy as a function of a module and its inputs.

In: a run folder, a proxy.py, a name or a formula. Out: a ProxyFunction, which also ranks, saves, and shows itself in a
notebook.
"""

from __future__ import annotations

import copy
import math
import shutil
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from gpproxy.errors import ConfigError, RunError, StatisticsError
from gpproxy.export.write import source
from gpproxy.expressions.notation.formula import Formula
from gpproxy.files import write_atomically
from gpproxy.proxies.file import value_of_file
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.scored import Value
from gpproxy.proxies.values import values_of
from gpproxy.report.render import REPORT, fragment
from gpproxy.search_spaces import Batch, ChoiceSpace, SearchSpace
from gpproxy.search_spaces.check import make_space
from gpproxy.search_spaces.choice import mean_square
from gpproxy.seeds import seeded
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one
from gpproxy.statistics.passes import Passes

#: What a generator is called with: a tensor, several (see Batch), or a Batch.
Inputs = Any
Loss = Callable[[Tensor, Batch], Tensor]
#: The code of a network that is given as it is.
GIVEN = "given"


def load_proxy(what: str | Path) -> ProxyFunction:
    """A proxy as a function: `load_proxy("nwot")(module, inputs)`.

    Args:
        what: a run folder, a proxy.py, the name of a known proxy, or a formula.

    Raises ConfigError, RunError or ExpressionError, with the nearest name, when it is none of these.
    """
    return ProxyFunction(Proxy.load(str(what)))


class ProxyFunction:
    """A proxy: called with an untrained generator and its inputs it returns a score, higher is better.

    Attributes:
        proxy: what is computed, how it looks and where it comes from.
        inputs, loss: those that it takes where none are given; None for none.
    """

    def __init__(self, proxy: Proxy, inputs: Inputs = None, loss: Loss | None = None):
        self.proxy, self.inputs, self.loss = proxy, inputs, loss

    def __call__(self, module: nn.Module, inputs: Inputs = None, loss: Loss | None = None) -> float:
        """The score of one network with the weights that it has; the network is left as it was.

        Args:
            module: an untrained generator.
            inputs: a batch of its inputs, `sample x ...`; by default those of `discover`. The proxy was made for
                `proxy.inputs` samples.
            loss: `loss(outputs, batch)`, one number, for formulas with gradients; by default that of the space that
                the proxy comes from, else the mean square of the outputs.

        Returns minus infinity for a dead network. Raises StatisticsError where it has no score, with the reason, and
        ConfigError where there are no inputs.
        """
        found = self._value(module, self._batch(inputs), loss)
        if math.isnan(found.score):
            raise StatisticsError(f"The network has no score: {found.problem}")
        return found.score

    def rank(
        self, networks: Mapping[str, nn.Module | Callable[[], nn.Module]], inputs: Inputs = None
    ) -> list[tuple[str, float]]:
        """Names and scores, the best first.

        Args:
            networks: name -> an untrained module, or a function that returns a fresh one: then the score is the mean
                over `proxy.inits` initialisations, which are seeded by the name alone.
            inputs: as in a call.
        """
        scores = {}
        for name, network in networks.items():
            if isinstance(network, nn.Module):
                scores[name] = self(network, inputs)
            else:
                scores[name] = statistics.fmean(self(made, inputs) for made in self._fresh(name, network))
        return sorted(scores.items(), key=lambda item: (-item[1], item[0]))

    def save(self, path: str | Path) -> Path:
        """Writes the proxy as one file that needs torch only; returns its path.

        Raises ConfigError for a classical proxy that is no formula, RunError where a run wrote no such file.
        """
        path = Path(path).expanduser()
        if self.proxy.path:
            shutil.copyfile(self.proxy.path, path)
            return path
        if self.proxy.run:
            made = Path(self.proxy.run) / "proxy.py"
            if not made.is_file():
                raise RunError(f"The run {self.proxy.run} has no proxy.py; its last lines said why.")
            shutil.copyfile(made, path)
            return path
        if not self.proxy.formula:
            raise ConfigError(f"{self.proxy.text} is computed by gpproxy and is no formula, so it has no file.")
        text = source(
            self.proxy.tree, space=self._space.name, seed=self.proxy.init_seed, samples=self.proxy.inputs,
            inits=self.proxy.inits, sizes=self.proxy.sizes, loss=self.loss or self._space.loss,
        )  # fmt: skip
        write_atomically(path, text)
        return path

    def report(self) -> Path:
        """The page of the run that the proxy comes from. Raises RunError where it comes from none."""
        if not self.proxy.run:
            raise RunError(f"{self.proxy.label} comes from no run, so there is no report of it.")
        page = Path(self.proxy.run) / REPORT
        if not page.is_file():
            raise RunError(f"There is no {page} yet. Make it: gpproxy report {self.proxy.run}")
        return page

    @property
    def _space(self) -> SearchSpace:
        """The space that the proxy comes from, where it is known here; else one that holds a single network."""
        if self.proxy.spaces:
            name, settings = self.proxy.spaces[0]
            from gpproxy.search_spaces import SEARCH_SPACES

            if name in SEARCH_SPACES:
                return make_space(name, dict(settings))
        return ChoiceSpace({"network": (GIVEN, "none")}, nn.Identity, inputs=1, loss=self.loss or mean_square)

    def _batch(self, inputs: Inputs) -> Batch:
        inputs = self.inputs if inputs is None else inputs
        if inputs is None:
            raise ConfigError(
                "A proxy looks at a network with inputs: proxy(module, inputs), a batch of what it takes."
            )
        return inputs if isinstance(inputs, Batch) else Batch(inputs)

    def _value(self, module: nn.Module, batch: Batch, loss: Loss | None) -> Value:
        proxy, known = self.proxy, self._space
        given = loss or self.loss or known.loss
        space = ChoiceSpace({"network": (GIVEN, "none")}, nn.Identity, inputs=1, loss=given)
        if proxy.path:
            return value_of_file(proxy.path, copy.deepcopy(module), batch.own(), space, proxy.init_seed)
        how = Collection(
            seed=proxy.init_seed, samples=len(batch), sizes=proxy.sizes, statistics=proxy.statistics,
            proxies=(proxy.classical,) if proxy.classical else (), device=str(batch.visible.device), describe=False,
        )  # fmt: skip
        probes = seeded(proxy.spaces[0][0] if proxy.spaces else known.name, proxy.init_seed, "probes")
        passes = Passes(module, batch, given, probes, proxy.needs_backward)
        return values_of(collect_one(space, GIVEN, how, passes), [proxy])[0]

    def _fresh(self, name: str, build: Callable[[], nn.Module]) -> list[nn.Module]:
        space = ChoiceSpace({"network": (GIVEN, "none")}, lambda network: build(), inputs=1)
        seeds = range(self.proxy.init_seed, self.proxy.init_seed + self.proxy.inits)
        return [space.build((0,), seeded("own", name, seed, "weights")) for seed in seeds]

    def __repr__(self) -> str:
        return f"ProxyFunction({self.proxy.text!r})"

    @property
    def latex(self) -> str:
        """The formula as LaTeX. Raises ExpressionError where there is none."""
        return Formula(self.proxy.tree).latex

    def _repr_latex_(self) -> str | None:
        return f"$\\displaystyle {self.latex}$" if self.proxy.formula else None

    def _repr_html_(self) -> str | None:
        if not self.proxy.formula:
            return None
        return fragment(Formula(self.proxy.tree).mathml, self.proxy.formula)

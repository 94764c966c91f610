"""Settings of `gpproxy search`: what is ranked, under which limits, and who is trained then. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from gpproxy.errors import ConfigError
from gpproxy.estimators.settings import HERE, SharedWeights
from gpproxy.run.groups import Cluster, Extensions, Initialisations, Machine, SearchSpaceSettings, SizeLimits
from gpproxy.run.settings import Settings, available_cores, is_folder, is_proxy_path, is_run_path, setting

if TYPE_CHECKING:
    from typing_extensions import Self

#: The estimator that asks proxies.
PROXY = "proxy"
STRATEGIES = ("random", "exhaustive", "evolution", "nsga2", "controller")
LEVELS = ("multi", "single")
LOSSES = ("corrected", "published")
OBJECTIVES = ("macs", "params", "latency")
#: The space whose networks are trained against a generator instead of as one.
DISCRIMINATORS = "eagan-discriminator"


@dataclass(frozen=True)
class Search:
    """What is ranked, and how far.

    Attributes:
        proxy: run folder, exported proxy.py, name of a known or classical proxy, or formula; several rank by the mean
            of their ranks.
        estimator: what tells the worth of an architecture; proxy, table:NAME (a table of measured architectures),
            training:STEPS (a short training), or shared (weights that all architectures share).
        budget: architectures to score.
        max_seconds: wall-clock time after which the search ends, set-up included; 0 for no limit.
        strategy: random; exhaustive (all architectures, in the order of the space); evolution (regularised, with
            mutation and crossover: Real et al., 2019); nsga2 (score against the objective: Deb et al., 2002);
            controller (a network that learns by REINFORCE what to emit: Gong et al., 2019).
        objective: the cost that nsga2 lowers and that the picture shows: macs, params or latency.
        max_latency_ms: longest measured time of one image on the device, in milliseconds; 0 for no limit.
        seed: seed of every random draw; of the strategy.
        top: best architectures that are drawn and shown.
        out: where the results are kept; the folder of the search. Empty makes runs/<time>-search-<space>-s<seed>.
    """

    proxy: tuple[str, ...] = setting((), path=is_proxy_path)
    estimator: str = setting(PROXY)
    budget: int = setting(1000, least=1, free=True)
    max_seconds: float = setting(0.0, least=0, free=True)
    strategy: Literal["random", "exhaustive", "evolution", "nsga2", "controller"] = setting("random", known=STRATEGIES)
    objective: Literal["macs", "params", "latency"] = setting("macs", known=OBJECTIVES)
    max_latency_ms: float = setting(0.0, least=0)
    seed: int = setting(0)
    top: int = setting(5, least=1, free=True)
    out: str = setting("", free=True, path=True)


@dataclass(frozen=True)
class Population:
    """Of the strategies evolution and nsga2.

    Attributes:
        population: individuals of the evolution; architectures.
        tournament: individuals that compete to be a parent; in the strategy evolution.
        crossover: share of children with two parents; they are mutated like all others.
    """

    population: int = setting(64, least=4)
    tournament: int = setting(16, least=1)
    crossover: float = setting(0.5, least=0, most=1)


@dataclass(frozen=True)
class ControllerSettings:
    """Of the strategy controller.

    Attributes:
        levels: multi (a controller for each level of the space, from the best prefixes of the level before: beam
            search) or single (one for all decisions).
        level_shares: shares of the search after which the next level begins, joined by commas; as published for three
            levels, evenly spread where a space has another number.
        rounds: with shared weights, how often their training and that of the controller, or a generation of the
            strategies evolution and nsga2, take turns.
        controller_steps: with shared weights, updates of the controller in a round.
        controller_batch: architectures of one update of the controller.
        controller_rate: learning rate of the controller.
        controller_loss: corrected, or published (as released, with its faults).
        entropy_bonus: weight of the entropy of the decisions, in the units of the reward.
        baseline_decay: share of the moving average of rewards that is kept.
        drawn: architectures that are drawn at the end of a level.
        keep: best of these that the next level begins from.
    """

    levels: Literal["multi", "single"] = setting("multi", known=LEVELS)
    level_shares: str = setting("0.23,0.54")
    rounds: int = setting(65, least=1)
    controller_steps: int = setting(30, least=1)
    controller_batch: int = setting(1, least=1)
    controller_rate: float = setting(3.5e-4, above=0)
    controller_loss: Literal["corrected", "published"] = setting("corrected", known=LOSSES)
    entropy_bonus: float = setting(1e-4, least=0)
    baseline_decay: float = setting(0.9, least=0, most=1)
    drawn: int = setting(10, least=1)
    keep: int = setting(5, least=1)

    @property
    def shares(self) -> tuple[float, ...]:
        """`level_shares` as numbers. Raises ConfigError for another form."""
        try:
            found = tuple(float(part) for part in self.level_shares.split(",") if part.strip())
        except ValueError:
            found = (-1.0,)
        if list(found) != sorted(set(found)) or not all(0 < share < 1 for share in found):
            raise ConfigError(f"level_shares are rising shares such as 0.23,0.54, but got '{self.level_shares}'.")
        return found

    def shares_of(self, levels: int) -> tuple[float, ...]:
        """One share per level but the last; evenly spread ones where `level_shares` are of another number."""
        found = self.shares
        return found if len(found) == levels - 1 else tuple(level / levels for level in range(1, levels))


@dataclass(frozen=True)
class Opponent:
    """Of a search among discriminators with weights that learn.

    Attributes:
        generator: what the discriminators of eagan-discriminator are trained against, each with weights of its own that
            come from its parent; a code or published name of eagan-generator, or the folder of a search in it, of which
            the best is taken.
        generator_width: channels of that generator; 0 takes those of its search, or those of the discriminators.
    """

    generator: str = setting("", path=is_run_path)
    generator_width: int = setting(0, least=0)


@dataclass(frozen=True)
class Winners:
    """What becomes of the best.

    Attributes:
        train_top: train so many of the best architectures.
        compare: what is trained beside them, joined by commas: random:5 for random architectures within the same
            limits, and codes or published names such as autogan-a.
        trainings: trainings per architecture.
        data: what is learnt from in a training; as in gpproxy train: cifar10, stl10, shapes, facades, or a folder.
        recipe: preset of the training; one that suits the space, see gpproxy list recipes.
        train_settings: further setting of gpproxy train or value of the recipe, such as steps=2000, samples=2000 or
            generator_rate=5e-4.
        cost: time some training steps too, to tell how much faster the proxy is than training.
    """

    train_top: int = setting(0, least=0, free=True)
    compare: str = setting("", free=True)
    trainings: int = setting(3, least=1, free=True)
    data: str = setting("cifar10", free=True, path=is_folder)
    recipe: str = setting("short", free=True)
    train_settings: tuple[str, ...] = setting((), pairs=True, free=True)
    cost: bool = setting(False, free=True)


@dataclass(frozen=True)
class SearchSettings(
    Extensions,
    Cluster,
    Machine,
    Winners,
    Opponent,
    SharedWeights,
    ControllerSettings,
    Population,
    Initialisations,
    SizeLimits,
    SearchSpaceSettings,
    Search,
    Settings,
):
    """Ranks untrained architectures by a proxy, under limits, without training any."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        **Settings.RENAMED,
        "samples": "inputs",
        "account": "cost",
        "seeds": "trainings",
    }

    def check(self) -> None:
        """Raises ConfigError where values do not go together."""
        if self.estimator_kind != PROXY:
            self._check_other_estimator()
        elif not self.proxy or not all(self.proxy):
            raise ConfigError(
                "Give the proxy that ranks: --proxy RUN_FOLDER, --proxy proxy.py, --proxy NAME or --proxy FORMULA."
            )
        if len(set(self.proxy)) < len(self.proxy):
            raise ConfigError(f"Each proxy can be given once, but got proxy={', '.join(self.proxy)}.")
        if self.strategy == "evolution" and self.tournament > self.population:
            raise ConfigError(
                f"tournament <= population must hold, but got tournament={self.tournament} and "
                f"population={self.population}."
            )
        if self.strategy == "controller" and self.keep > self.drawn:
            raise ConfigError(f"keep <= drawn must hold, but got keep={self.keep} and drawn={self.drawn}.")
        if self.strategy == "controller" and len(self.proxy) > 1:
            raise ConfigError("A controller learns from one reward, but got several proxies. Give one.")
        if self.strategy == "controller" and self.estimator_kind == "shared" and self.reward == "both":
            raise ConfigError("A controller learns from one reward, but got reward=both. Choose score or distance.")
        self._check_opponent()
        _ = self.shares
        if self.cluster and self.estimator_kind in HERE:
            raise ConfigError(
                f"estimator={self.estimator} is read on this machine, in less time than a way to another one takes. "
                "Leave --cluster out."
            )
        if self.cluster and self.timed:
            raise ConfigError("Latencies are those of this machine, so they are not measured elsewhere: no --cluster.")
        if self.compare and not self.train_top:
            raise ConfigError(
                f"compare={self.compare} trains something beside the best: give --train-top too, such as 3."
            )
        if self.train_top > self.budget:
            raise ConfigError(f"train_top <= budget must hold, but got {self.train_top} and {self.budget}.")

    def _check_opponent(self) -> None:
        """Raises ConfigError for a generator without discriminators that learn, and the other way round."""
        learns = self.estimator_kind == "shared" and self.space == DISCRIMINATORS
        if learns and not self.generator:
            raise ConfigError(
                f"{DISCRIMINATORS} learns against a generator: give --generator CODE, or the folder of a search in "
                "eagan-generator."
            )
        if self.generator and not learns:
            raise ConfigError(
                f"generator={self.generator} is for --space {DISCRIMINATORS} --estimator shared, but got "
                f"space={self.space} and estimator={self.estimator}. Leave it out."
            )
        if learns and self.strategy not in ("evolution", "nsga2"):
            raise ConfigError(
                f"Discriminators hand their weights down to children, which takes strategy=nsga2 or evolution, but got "
                f"strategy={self.strategy}."
            )

    def _check_other_estimator(self) -> None:
        """Raises ConfigError for what belongs to proxies alone."""
        given = {"proxy": self.proxy, "inits": self.inits, "inputs": self.inputs}
        if asked := [name for name, value in given.items() if value]:
            raise ConfigError(
                f"{asked[0]} belongs to the estimator proxy, but got estimator={self.estimator}. Leave one of them out."
            )
        if not self.space:
            raise ConfigError(f"estimator={self.estimator} belongs to no space: choose with --space, such as autogan.")
        if self.timed:
            raise ConfigError(f"Latencies are measured with the estimator proxy, but got estimator={self.estimator}.")

    def changed(self, saved: Self) -> list[str]:
        """Names of the settings that differ from `saved` and that a continued run may not change."""
        trained = ("data", "recipe", "train_settings") if self.estimator_kind != PROXY else ()
        return [*super().changed(saved), *(name for name in trained if getattr(self, name) != getattr(saved, name))]

    @property
    def estimator_kind(self) -> str:
        """The estimator without its argument."""
        return self.estimator.partition(":")[0]

    @property
    def run_name(self) -> str:
        """What the folder is called after."""
        return f"search-{self.space}"

    @property
    def timed(self) -> bool:
        """Whether the latency of every architecture is measured."""
        return self.objective == "latency" or self.max_latency_ms > 0

    @property
    def cores(self) -> int:
        """Processes, with 0 replaced by what suits: a GPU or a stop-watch is shared badly."""
        alone = self.timed or self.device != "cpu"
        return self.workers or (1 if alone else available_cores())

"""Runs a search whose weights learn as it goes to its end: what `search` does instead of its loop.

In: the estimator, the strategy and the settings of a search, its folder. Out: derived candidates with their rewards as
Progress, the history of what has searched, and the losses of the weights with their resets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpproxy.errors import ConfigError
from gpproxy.estimators.estimator import Estimator, opened
from gpproxy.estimators.shared import SAMPLES, SharedEstimator
from gpproxy.execution.task import Stop
from gpproxy.execution.threads import torch_threads
from gpproxy.files import read_events
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Work
from gpproxy.proxies.size import Sizer
from gpproxy.search.alternate import Alternation
from gpproxy.search.controlled import Controlled
from gpproxy.search.course import Progress
from gpproxy.search.generations import Generations, warm_up
from gpproxy.search.limits import Limits
from gpproxy.search.nsga2 import NSGA2
from gpproxy.search.opponent import opponent
from gpproxy.search.pairs import Pairs
from gpproxy.search.population import Population
from gpproxy.search.rounds import Rounds
from gpproxy.search.settings import SearchSettings
from gpproxy.search.store import Store
from gpproxy.search.strategies import Evolution, Strategy
from gpproxy.search_spaces.eagan import EAGANDiscriminator
from gpproxy.training.checkpoint import load_state
from gpproxy.training.journal import JOURNAL
from gpproxy.training.loop import train_loop
from gpproxy.training.outcome import outcome

#: Where the training lies in the folder of the search, and seconds between two notes.
FOLDER, PAUSE = "shared", 10.0


@dataclass(frozen=True)
class Turns:
    """How it ended.

    Attributes:
        progress: with the derived candidates.
        seconds: of all processes, before candidates were derived.
        reward: what its rewards are.
        history: of the controller, a line per update, or of the population, a line per generation.
        losses: lines of the journal of the shared training.
        resets: steps after which the networks began anew.
    """

    progress: Progress
    seconds: float
    reward: str
    history: list[dict[str, float]]
    losses: list[dict[str, Any]]
    resets: list[int]


def alternating(
    estimator: Estimator, strategy: Strategy, config: SearchSettings, sizer: Sizer, limits: Limits
) -> Rounds | Pairs | None:
    """The search whose weights and strategy learn in turns; None where what is estimated stays as it is.

    Raises ConfigError for limits that nobody keeps.
    """
    if not isinstance(estimator, SharedEstimator):
        return None
    if isinstance(strategy, Controlled):
        if limits != Limits():
            raise ConfigError(
                f"A controller that learns in turns with shared weights keeps no limits, but got {limits}. Leave them "
                "out, or choose --strategy nsga2."
            )
        return Alternation(estimator, config)
    if not isinstance(strategy, (Evolution, NSGA2)):
        return None
    population = Population(strategy, sizer, limits)
    names = ("strategy", "population", "tournament", "crossover", "objective", "seed", "max_params", "max_macs")
    about = {name: getattr(config, name) for name in names}
    if isinstance(strategy.space, EAGANDiscriminator):
        generator = opponent(config, strategy.space).arch
        return Pairs(estimator, strategy.space, generator, population, config.rounds, about)
    return Generations(estimator, population, config.rounds, about) if warm_up(estimator) < 1 else None


@torch_threads()
def take_turns(
    objective: Rounds | Pairs,
    estimator: SharedEstimator,
    config: SearchSettings,
    folder: Path,
    store: Store,
    tell: Callable[[str], None],
    stop: Stop,
) -> Turns | None:
    """The search to its end, or what is left of it; None when `stop` has ended it early, with everything saved.

    Args:
        objective: untrained.
        store: where the derived candidates go, in place of what is there.
    """
    folder = folder / FOLDER
    before = load_state(folder) if folder.is_dir() else None
    spent, start = 0.0 if before is None else float(before["seconds"]), time.monotonic()

    def late() -> bool:
        return 0 < config.max_seconds <= spent + time.monotonic() - start

    said = start
    if not late():
        running = train_loop(
            objective,
            objective.recipe,
            folder=folder,
            measure=None,
            samples=SAMPLES,
            main="",
            about=objective.about(estimator),
            stop=lambda: late() or stop(),
        )
        for _ in running:
            if time.monotonic() - said > PAUSE:
                said = time.monotonic()
                tell(objective.line())
    state = load_state(folder)
    assert state is not None
    if state["step"] < objective.recipe.steps and outcome(folder) is None and not late():
        return None
    objective.load_state_dict(state["objective"])
    history = list(objective.history)
    began = time.monotonic()
    found = []
    space, sizer = opened(estimator.space, estimator.settings)
    for architecture, rewards in objective.derive():
        size = sizer(architecture)
        found.append(Scored(space.encode(architecture), rewards, size.params, size.macs))
    seconds = time.monotonic() - began
    store.clear()
    store.add(found, Work(seconds=seconds), 0.0)
    store.commit()
    finished = "time" if state["step"] < objective.recipe.steps else "budget"
    progress = Progress(store, len(found), len(found), seconds=seconds, fresh=len(found), finished=finished)
    events = [event for event in read_events(folder / JOURNAL) if event.get("event") == "losses"]
    reward = objective.reward.names[0]
    return Turns(progress, float(state["seconds"]), reward, history, events, list(objective.resets))

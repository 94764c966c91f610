"""Runs the search with shared weights and a controller to its end: what `search` does instead of its loop.

In: the estimator and the settings of a search, its folder. Out: derived candidates with their rewards as Progress, the
history of the controller, and the losses of the shared weights with their resets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpproxy.estimators.estimator import opened
from gpproxy.estimators.shared import SAMPLES, SharedEstimator
from gpproxy.execution.task import Stop
from gpproxy.execution.threads import torch_threads
from gpproxy.files import read_events
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Work
from gpproxy.search.alternate import Alternation
from gpproxy.search.course import Progress
from gpproxy.search.settings import SearchSettings
from gpproxy.search.store import Store
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
        history: of the controller, a line per update.
        losses: lines of the journal of the shared training.
        resets: steps after which the networks began anew.
    """

    progress: Progress
    seconds: float
    reward: str
    history: list[dict[str, float]]
    losses: list[dict[str, Any]]
    resets: list[int]


@torch_threads()
def take_turns(
    estimator: SharedEstimator,
    config: SearchSettings,
    folder: Path,
    store: Store,
    tell: Callable[[str], None],
    stop: Stop,
) -> Turns | None:
    """The search to its end, or what is left of it; None when `stop` has ended it early, with everything saved.

    Args:
        store: where the derived candidates go, in place of what is there.
    """
    folder = folder / FOLDER
    objective = Alternation(estimator, config)
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
                tell(_line(objective))
    state = load_state(folder)
    assert state is not None
    if state["step"] < objective.recipe.steps and outcome(folder) is None and not late():
        return None
    objective.load_state_dict(state["objective"])
    history = list(objective.learner.history)
    began = time.monotonic()
    found = []
    space, sizer = opened(estimator.space, estimator.settings)
    for architecture, reward in objective.derive():
        size = sizer(architecture)
        found.append(Scored(space.encode(architecture), (reward,), size.params, size.macs))
    seconds = time.monotonic() - began
    store.clear()
    store.add(found, Work(seconds=seconds), 0.0)
    store.commit()
    finished = "time" if state["step"] < objective.recipe.steps else "budget"
    progress = Progress(store, len(found), len(found), seconds=seconds, fresh=len(found), finished=finished)
    events = [event for event in read_events(folder / JOURNAL) if event.get("event") == "losses"]
    return Turns(progress, float(state["seconds"]), objective.reward.name, history, events, list(objective.reset.at))


def _line(objective: Alternation) -> str:
    """Where the search is."""
    learner, each = objective.learner, objective.shared_steps + objective.control.controller_steps
    round_ = min((objective.done - 1) // each + 1, objective.control.rounds)
    text = f"round {round_}/{objective.control.rounds}, level {learner.level + 1}/{len(learner.levels)}"
    if learner.history:
        last = learner.history[-1]
        text += f", {objective.reward.name} {last['reward']:.4g} (best {last['best']:.4g})"
        text += f", entropy {last['entropy']:.3f}"
    return f"{text}, {len(objective.reset.at)} resets"

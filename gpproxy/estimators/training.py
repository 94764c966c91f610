"""The estimator `training:STEPS`: a short training from scratch, measured at its end.

In: settings of a training. Out: minus the Frechet distance of the averaged weights after the last step, higher is
better; a training that collapsed before it was measured has no value.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from gpproxy.errors import ConfigError
from gpproxy.estimators.estimator import Estimator, Pairs, Tell, one_by_one
from gpproxy.estimators.registry import ESTIMATORS, Request
from gpproxy.execution.threads import torch_threads
from gpproxy.proxies.scored import Scored, Value, failed, value
from gpproxy.proxies.scorer import Work
from gpproxy.proxies.size import Size
from gpproxy.tasks.registry import open_task
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.tasks.task import Task
from gpproxy.training.outcome import outcome


@dataclass(frozen=True)
class TrainingEstimator(Estimator):
    """Quality after a short training.

    Attributes:
        training: settings with the number of steps in them.
        seed: of the weights, the noise and the order of the images: the same for all architectures.
    """

    space: str
    settings: Pairs
    training: TrainingSettings
    seed: int = 0
    name: str = "training"

    def open(self, tell: Tell) -> None:
        tell(f"opens what the trainings of {self.name} learn from")
        opened_task(self.training).open()

    def score(self, codes: Sequence[str], sizes: Mapping[str, Size]) -> tuple[list[Scored], Work]:
        with torch_threads():
            return one_by_one(self.space, self.settings, codes, sizes, self._value)

    def _value(self, code: str, work: Work) -> Value:
        task = opened_task(self.training)
        work.networks += 1
        with tempfile.TemporaryDirectory(prefix="gpproxy-") as place:
            for _ in task.train(code, self.seed, Path(place)):
                pass
            found = outcome(Path(place))
        assert found is not None
        if not found.curve:
            return failed(f"{found.verdict}: {found.reason}")
        return value(-found.curve[-1].measures.get(task.main, math.nan))


@ESTIMATORS.register("training")
def training_estimator(request: Request) -> Estimator:
    """`training:STEPS`, with recipe, data and measures of the request."""
    steps = request.argument
    if not steps.isdigit() or not int(steps):
        raise ConfigError(f"A short training takes a number of steps: training:400, but got '{request.text}'.")
    training = request.training() if request.training else None
    if training is None or training.extractor == "none":
        raise ConfigError("A short training needs data and an extractor that measures it: --data, and extractor=cifar.")
    changes = (*(one for one in training.recipe_settings if not one.startswith("checks=")), "checks=1.0")
    training = replace(training, steps=int(steps), recipe_settings=changes)
    return TrainingEstimator(request.space.name, request.settings, training, request.seed, request.text)


@lru_cache(maxsize=4)
def opened_task(settings: TrainingSettings) -> Task:
    """The task of some settings, opened once in a process."""
    return open_task(settings)

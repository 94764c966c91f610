"""The estimator `shared`: weights that all architectures of a space share, trained once (Gong et al., 2019).

In: a space with a supernet, data, settings of the shared training. Out: the reward of the images that an architecture
draws with these weights. The training lies in the cache folder under a name that follows from everything that decides
it, so it is continued after any end, and equal searches share it. `shared:50` takes the weights after half of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from gpproxy.errors import ConfigError, RunError
from gpproxy.estimators.estimator import Estimator, Pairs, Tell, one_by_one
from gpproxy.estimators.registry import ESTIMATORS, Request
from gpproxy.estimators.reward import Reward
from gpproxy.estimators.settings import SharedWeights
from gpproxy.estimators.shared_objective import SharedObjective, images_of
from gpproxy.estimators.training import opened_task
from gpproxy.execution.task import Stop, never
from gpproxy.execution.threads import torch_threads
from gpproxy.proxies.scored import Scored, Value, value
from gpproxy.proxies.scorer import Work
from gpproxy.proxies.size import Size
from gpproxy.run.locks import alone
from gpproxy.run.settings import part_of
from gpproxy.search_spaces.space import SharedNetwork
from gpproxy.seeds import numbered
from gpproxy.statistics.cache import folder as cache_folder
from gpproxy.tasks.registry import recipe
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.tasks.task import Task
from gpproxy.training.checkpoint import load_state, load_weights, save_weights
from gpproxy.training.loop import train_loop
from gpproxy.training.outcome import outcome
from gpproxy.training.recipe import AdversarialRecipe

#: Images of a check, which only shows whether they are all one; the measure of shared weights is the reward.
SAMPLES = 20
#: Recipes of published searches by space, and that of all others.
RECIPES, RECIPE = {"eagan-generator": "eagan-search", "eagan-discriminator": "eagan-search"}, "autogan-search"


@dataclass(frozen=True)
class SharedEstimator(Estimator):
    """Rewards of architectures by shared weights.

    Attributes:
        training: data and extractor.
        how: recipe, reset and reward.
        seed: of the shared training.
        percent: share of that training, 1 to 100.
    """

    space: str
    settings: Pairs
    training: TrainingSettings
    how: SharedWeights
    seed: int = 0
    percent: int = 100
    name: str = "shared"

    @property
    def labels(self) -> tuple[str, ...]:
        """The estimator's name; of two rewards their own."""
        return Reward(self.task, self.how.reward).names if self.how.reward == "both" else (self.name,)

    @property
    def title(self) -> str:
        return "the estimate by shared weights"

    @property
    def recipe(self) -> AdversarialRecipe:
        """The recipe of the shared training. Raises ConfigError for one without a discriminator of its own."""
        name = self.how.shared_recipe or RECIPES.get(self.space, RECIPE)
        found = recipe(name, **self.how.recipe_changes)
        if not isinstance(found, AdversarialRecipe):
            raise ConfigError(
                f"Shared weights are trained against a discriminator, but shared_recipe={name} has none. Choose "
                "autogan-search, eagan-search, autogan or short."
            )
        return found

    @property
    def steps(self) -> int:
        """Steps after which its weights are taken."""
        return max(round(self.recipe.steps * self.percent / 100), 1)

    @property
    def about(self) -> dict[str, Any]:
        """What decides the shared training, as JSON."""
        images = self.task.images
        reset = {name: getattr(self.how, name) for name in ("reset", "reset_window", "reset_below")}
        return {
            "space": self.space,
            "space_settings": dict(sorted(self.settings)),
            "images": images.name,
            "split": images.split,
            "images_digest": images.digest,
            "recipe": self.recipe.to_json(),
            **reset,
            "seed": self.seed,
            "torch": str(torch.__version__),
        }

    @property
    def folder(self) -> Path:
        """Where the shared training lies."""
        digest = hashlib.sha256(json.dumps(self.about, sort_keys=True).encode()).hexdigest()
        return cache_folder() / "shared" / f"{self.space}-{digest[:16]}"

    @property
    def file(self) -> Path:
        """The weights after its part of the training."""
        return self.folder / f"weights_{self.steps:07d}.safetensors"

    @property
    def task(self) -> Task:
        return opened_task(self.training)

    @property
    def set_up(self) -> float:
        return 0.0 if not self.file.is_file() else float(weights_about(self.file)["seconds"])

    def open(self, tell: Tell) -> None:
        if "distance" in Reward(self.task, self.how.reward).kinds:
            _ = self.task.reference
        if self.task.space.name == self.space:  # otherwise discriminators, which share nothing
            self.objective()

    def objective(self) -> SharedObjective:
        """The untrained shared weights."""
        task = self.task
        return SharedObjective(task.space, task.images, self.recipe, self.how, self.seed, self.training.device)

    def prepare(self, tell: Tell, stop: Stop = never) -> None:
        """Trains the shared weights as far as they are needed. Raises KeyboardInterrupt when it was stopped."""
        if self.file.is_file():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with torch_threads(), alone(self.folder, "training of shared weights"):
            self._train(tell, stop)

    def _train(self, tell: Tell, stop: Stop) -> None:
        objective, target, told = self.objective(), self.steps, 0
        tell(f"shared weights of {self.space}: {target:,} steps in {self.folder}")
        running = train_loop(
            objective,
            self.recipe,
            folder=self.folder,
            measure=None,
            samples=SAMPLES,
            main="",
            about=self.about,
            stop=lambda: objective.done >= target or stop(),
        )
        for progress in running:
            tenth = 10 * progress.step // target
            if tenth > told:
                told = tenth
                tell(f"shared weights: step {progress.step:,} of {target:,}, {len(objective.reset.at)} resets")
        state = load_state(self.folder)
        if outcome(self.folder) is not None and state is not None:
            objective.load_state_dict(state["objective"])  # it may have ended in an earlier process
        if state is None or objective.done < target:
            ended = outcome(self.folder)
            if ended is not None:
                raise RunError(f"The training of shared weights in {self.folder} is {ended.verdict}: {ended.reason}")
            raise KeyboardInterrupt
        if objective.done > target:
            raise RunError(
                f"The shared weights in {self.folder} are at step {objective.done:,} and were not kept at {target:,}. "
                "Ask for the smaller shares first, or remove the folder."
            )
        about = {"step": objective.done, "seconds": state["seconds"], "resets": objective.reset.at}
        save_weights(self.file, objective.weights(), about)

    def score(self, codes: Sequence[str], sizes: Mapping[str, Size]) -> tuple[list[Scored], Work]:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return one_by_one(self.space, self.settings, codes, sizes, self._value)
        finally:
            torch.set_num_threads(threads)

    def _value(self, code: str, work: Work) -> list[Value]:
        network = _network(self)
        task, how = self.task, self.how
        shape = task.space.input_shape
        chosen = task.space.decode(code)
        images = images_of(network, chosen, self.recipe, shape, how.reward_images, self.seed)
        work.forwards += how.reward_images / 250
        return [value(one) for one in Reward(task, how.reward)(images)]


@ESTIMATORS.register("shared")
def shared_estimator(request: Request) -> Estimator:
    """`shared`: weights that all architectures share; `shared:50` after half of their training."""
    if request.training is None or request.shared is None:
        raise ConfigError("Shared weights need data and settings of their training.")
    percent = request.argument or "100"
    if not percent.isdigit() or not 1 <= int(percent) <= 100:
        raise ConfigError(f"Shared weights take a percentage of their training: shared:50, but got '{request.text}'.")
    training = replace(request.training(), device=request.device)
    how, settings = part_of(SharedWeights, request.shared), request.settings
    return SharedEstimator(request.space.name, settings, training, how, request.seed, int(percent), request.text)


def weights_about(path: Path) -> dict[str, Any]:
    """Step, seconds and resets of kept weights. Raises RunError for a broken file."""
    try:
        with safe_open(path, "pt") as file:
            return dict(json.loads(file.metadata()["about"]))
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise RunError(f"{path} is no readable file of weights: {error}. Remove it to train again.") from error


@lru_cache(maxsize=2)
def _network(estimator: SharedEstimator) -> SharedNetwork:
    network = estimator.task.space.supernet(numbered(0))
    network.load_state_dict(load_weights(estimator.file))
    device = estimator.training.device
    return network.to(device, memory_format=torch.channels_last).requires_grad_(False)  # type: ignore[call-overload]

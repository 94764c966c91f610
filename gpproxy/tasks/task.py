"""What a generator is trained for, and the one way to open a training: `train`, `benchmark build` and the winners of a
search go through it.

In: TrainingSettings. Out: the Task that their recipe belongs to, which trains any architecture of their space, measures
it and says what it will take. Images, extractor and references are opened when they are first needed.

    task = open_task(TrainingSettings(space="autogan", data="cifar10", recipe="short"))
    for progress in task.train(task.code("autogan-a"), seed=0, folder=Path("runs/a")):
        print(progress.step, progress.losses)

Tasks are found by `gpproxy.tasks.registry`; a new one is one new file of this folder.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError, RunError
from gpproxy.execution.devices import check_device
from gpproxy.execution.memory import keep_freed_memory
from gpproxy.files import write_atomically
from gpproxy.images.image_set import ImageSet, pixels
from gpproxy.quality.extractor import extractor
from gpproxy.quality.features import Extractor
from gpproxy.quality.measure import Quality, floors, frechet_to, measure, names, numbers
from gpproxy.quality.reference import Reference, kept
from gpproxy.run.reading import reading, typed
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.check import make_space
from gpproxy.seeds import numbered
from gpproxy.tasks.registry import tasks
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.training.architecture import code_of
from gpproxy.training.checkpoint import BEST
from gpproxy.training.cuda_graph import Captured
from gpproxy.training.draw import trained
from gpproxy.training.dry_run import FEW, DryRun, seconds_of, step_seconds
from gpproxy.training.loop import FLOOR, Measure, train_loop
from gpproxy.training.objective import Objective
from gpproxy.training.outcome import QUALITY, Outcome, Progress, outcome
from gpproxy.training.recipe import Recipe

#: What generators do that take each kind of inputs, for sentences.
KINDS = {
    "noise": "draw images from noise",
    "images": "translate images",
    "labels": "translate label maps",
    "noisy images": "denoise images",
    "small images": "enlarge images",
    "noise and classes": "draw images of classes",
    "images and noise": "encode images and draw them again",
}


class Task(ABC):
    """One task with its settings. Raises the errors of `gpproxy.errors` for what the settings name and is not there.

    Args:
        settings: what is trained, on what, how, and what measures it.
        every: whether each check measures everything, and the floor is known, as a table holds them; otherwise a check
            measures what chooses the best weights, and `quality` measures everything at the end.
        tell: is told what takes a while.
    """

    #: set by the decorator
    name: ClassVar[str] = ""
    #: what a card calls it
    title: ClassVar[str] = ""
    #: its recipes by name
    presets: ClassVar[Mapping[str, Recipe]] = {}
    #: what the rows or columns of its pictures show, a sentence; empty where all images are drawn alike
    pictured: ClassVar[str] = ""
    #: inputs of the generators that it trains, see `SearchSpace.takes`
    takes: ClassVar[tuple[str, ...]] = ()
    #: channels that belong to a recipe in the space that it was published for
    widths: ClassVar[Mapping[tuple[str, str], int]] = {}
    #: whether each step is the same work, so that a CUDA graph can hold it
    captured: ClassVar[bool] = True

    def __init__(
        self, settings: TrainingSettings, *, every: bool = False, tell: Callable[[str], None] = lambda what: None
    ):
        self.settings, self.every, self.tell = settings, every, tell
        check_device(settings.device)
        self.recipe = self.presets[settings.recipe].changed(**settings.recipe_changes)

    @cached_property
    def space(self) -> SearchSpace:
        """The search space, as wide as the recipe says where it was published for this space and nobody says else."""
        settings = self.settings
        width = self.widths.get((settings.recipe, settings.space))
        space = make_space(settings.space, {**({} if width is None else {"width": width}), **settings.space_changes})
        if space.takes not in self.takes:
            fitting = [name for one in tasks() if space.takes in one.takes for name in one.presets]
            raise ConfigError(
                f"The generators of {space.name} {KINDS[space.takes]}, but the recipe {settings.recipe} is for "
                f"generators that {KINDS[self.takes[0]]}. Choose the recipe {' or '.join(fitting)}."
            )
        given = len(space.batch(2, numbered(0)).tensors)
        if given > 1 and space.takes in ("noise", "images"):
            raise ConfigError(
                f"The recipe {settings.recipe} is for generators that are given one tensor, but those of {space.name} "
                f"are given {given}. Train generators of one tensor, or of noise and a class: a whole number for each "
                "sample beside a vector. Looks and scores take any number of them."
            )
        return space

    @property
    def space_settings(self) -> dict[str, Any]:
        """What to open the space with elsewhere: width and resolution, where it has them, and what was changed."""
        known = asdict(self.space.settings)
        sizes: dict[str, Any] = {name: known[name] for name in ("width", "resolution") if name in known}
        return {**sizes, **self.settings.space_changes}

    def code(self, text: str) -> str:
        """The code of a code or of a published name. Raises SpaceError for neither."""
        return code_of(self.space, text)

    @property
    @abstractmethod
    def images(self) -> Any:
        """What is learnt from, with `name`, `split`, `digest`, `size` and a length; opened once."""

    @abstractmethod
    def real(self) -> ImageSet:
        """The real images that outputs are compared with."""

    @property
    @abstractmethod
    def measured_on(self) -> str:
        """Data set and split of what generators are measured on, where no extractor compares features."""

    @abstractmethod
    def objective(self, code: str, seed: int, times: int = 1) -> Objective:
        """The untrained networks of an architecture, ready to train `times` as long as the recipe says."""

    @abstractmethod
    def outputs(self, generator: nn.Module, seed: int) -> Tensor:
        """The images that are measured of a trained generator: uint8 `sample x 3 x side x side`, on the CPU."""

    def remarks(self, found: Outcome) -> Iterator[str]:
        """Sentences on what else there is to say of a training that is over."""
        return iter(())

    @property
    def samples(self) -> int:
        """Images that are measured at each check."""
        return self.settings.samples

    @cached_property
    def extractor(self) -> Extractor | None:
        """The network whose features are compared; None where none does."""
        settings = self.settings
        if settings.extractor == "none":
            return None
        weights = settings.extractor_weights or None
        return extractor(settings.extractor, weights, settings.device, download=settings.download)

    @cached_property
    def reference(self) -> Reference:
        """The real images with their features."""
        assert self.extractor is not None
        self.tell("features of the real images")
        return Reference.of(self.real(), self.extractor)

    @property
    def distance(self) -> str:
        """Name of the Fréchet distance of the extractor; empty where none compares features."""
        return "" if self.extractor is None else names(self.extractor)[0]

    @property
    def main(self) -> str:
        """Name of the measure that chooses the best check, lower is better; empty where nothing is measured."""
        return self.distance

    @cached_property
    def measure(self) -> Measure | None:
        """What a check measures, from images as `outputs` gives them to numbers; None for nothing."""
        network = self.extractor
        if network is None:
            return None
        if self.every:
            return lambda images: numbers(images, self.reference, network)
        return lambda images: {self.distance: frechet_to(images, self.reference, network)}

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What a measured number belongs to: extractor and real images, with their digests; the floor where asked."""
        network = self.extractor
        if network is None:
            return {"extractor": "none", "reference": self.measured_on} if self.main else {}
        found = {**_named(network), "reference": self.reference.split}
        found["reference_digest"] = self.reference.images.digest
        if self.every:
            count = min(self.samples, len(self.reference.images) // 2)
            found[FLOOR] = float(f"{floors(self.reference, count, network)[self.distance]:.4g}")
        return found

    @property
    def words(self) -> dict[str, str]:
        """What a card says of the task and its data."""
        data = f"{Path(self.settings.data).name}, training split, {pixels(self.images.size)} px"
        return {"task": self.title, "data": data}

    def about(self, code: str, seed: int, times: int = 1) -> dict[str, Any]:
        """What decides a training, as JSON."""
        space, images, size = self.space, self.images, self.images.size
        return {
            "space": space.name,
            "space_settings": dict(sorted(asdict(space.settings).items())),
            "architecture": code,
            "images": images.name,
            "split": images.split,
            "images_digest": images.digest,
            "resolution": size[0] if size[0] == size[1] else list(size),
            "recipe": self.recipe_of(times).to_json(),
            "seed": seed,
            "samples": self.samples,
            "main": self.main,
        }

    def open(self) -> None:
        """Opens everything that a training needs, so that what is missing is found before it begins."""
        _ = self.images
        if self.extractor is not None:
            _ = self.reference

    def recipe_of(self, times: int) -> Recipe:
        """The recipe of trainings that take `times` as many steps."""
        return replace(self.recipe, steps=self.recipe.steps * times)

    def train(
        self, code: str, seed: int, folder: Path, stop: Callable[[], bool] | None = None, times: int = 1
    ) -> Iterator[Progress]:
        """Trains an architecture, or goes on with the training in `folder`; see `train_loop` for what is in there.

        Equal arguments give equal weights. A training that is over has nothing to say.

        Args:
            code: in the notation of the space.
            seed: of the weights, the noise and the order of the images.
            folder: of this training alone.
            stop: asked after each step; true saves the state and ends the iteration.
            times: how many times as many steps as the recipe says.

        Raises SpaceError for a code of another space, RunError where the folder holds another training.
        """
        code = self.space.encode(self.space.decode(code))
        device = torch.device(self.settings.device)
        if device.type == "cpu":
            keep_freed_memory()
        objective = self.objective(code, seed, times)
        if self.captured and device.type == "cuda":
            objective = Captured(objective)  # type: ignore[arg-type]
        yield from train_loop(
            objective,
            self.recipe_of(times),
            folder=folder,
            measure=self.measure,
            samples=self.samples,
            main=self.main,
            about=self.about(code, seed, times),
            facts=self.facts,
            stop=stop,
        )

    def quality(self, folder: Path, code: str, seed: int) -> Quality | None:
        """Every measure of the best weights, kept in the folder of the training; None where no extractor measures.

        Raises RunError where the training was measured by another extractor.
        """
        network, ended = self.extractor, outcome(folder)
        if network is None or ended is None or not (folder / BEST).is_file():
            return None
        file = folder / QUALITY
        if file.is_file():
            with reading(file, "Remove it to measure again."):
                found = typed(Quality.from_json(json.loads(file.read_text(encoding="utf-8"))))
            before = {"extractor": found.extractor, "extractor_digest": found.extractor_digest}
            _refuse_others(folder, before, _named(network))
            return found
        _refuse_others(folder, ended.about, self.facts)
        self.tell("measuring the best weights")
        found = self.measured(self.outputs(trained(self.space, code, folder / BEST, self.settings.device), seed))
        write_atomically(file, json.dumps(found.to_json(), indent=1, allow_nan=False, ensure_ascii=False) + "\n")
        return found

    def measured(self, images: Tensor) -> Quality:
        """Every measure of outputs."""
        assert self.extractor is not None
        return measure(images, self.reference, self.extractor)

    def dry_run(self, code: str, seed: int = 0) -> DryRun:
        """Times a few steps, and measures a few images. Writes nothing."""
        device, network = self.settings.device, self.extractor
        objective = self.objective(code, seed)
        step = step_seconds(objective, device)
        drawn: list[Tensor] = []
        drawing = seconds_of(lambda: drawn.append(objective.samples(min(self.samples, FEW))), device)
        (images,) = drawn
        times = self.samples / len(images)
        features = final = check = 0.0
        if network is not None:
            real = self.real()
            part = real.first(min(len(real), FEW))
            features = seconds_of(lambda: network(part.images), device) * len(real) / len(part)
            features = 0.0 if kept(real, network) else features
            few = Reference.of(part, network, cache=False)
            final = (drawing + seconds_of(lambda: measure(images, few, network), device)) * times
            self.reference = few  # what the check below compares with; nothing else comes after it
        take = self.measure
        if take is not None:
            check = (drawing + seconds_of(lambda: take(images), device)) * times
        found = self.space.describe(self.space.decode(code))
        judges = (network for name, network in objective.networks.items() if name.startswith("discriminator"))
        discriminator = sum(parameter.numel() for network in judges for parameter in network.parameters())
        steps, checks = self.recipe.steps, len(self.recipe.image_steps)
        params, macs = int(found["params"]), found["macs"]
        return DryRun(params, macs, discriminator, steps, step, check, checks, self.samples, features, final)


def _named(network: Extractor) -> dict[str, Any]:
    return {"extractor": network.name, "extractor_digest": network.digest}


def _refuse_others(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises RunError where something that measures is not what it was; what an old folder does not say may be."""
    for name, value in now.items():
        if before.get(name, value) != value:
            raise RunError(
                f"The training in {folder} was measured with {name}={before[name]}, but here it is {value}. Use the "
                "same data and extractor weights, or choose another --out."
            )

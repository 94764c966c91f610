"""One training from its settings to its files: what `gpproxy.train` does, stage by stage.

In: a TrainConfig, a run folder to continue or None, a Watch. Out: the Outcome; on the way, everything in the folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.errors import RunError
from gpproxy.execution.devices import check_device
from gpproxy.images.image_set import ImageSet
from gpproxy.images.load import learnt_split, load
from gpproxy.quality.extractor import extractor
from gpproxy.quality.features import Extractor
from gpproxy.quality.measure import Quality, frechet_to, measure, names
from gpproxy.quality.reference import Reference, kept
from gpproxy.registry import load_plugin
from gpproxy.run.interrupt import Interrupted, Patience, resume_command
from gpproxy.run.terminal import Watch
from gpproxy.search_spaces import SearchSpace
from gpproxy.search_spaces.check import make_space
from gpproxy.seeds import numbered
from gpproxy.tasks.train import new_objective, train
from gpproxy.train.folder import QUALITY, TrainFolder
from gpproxy.train.settings import TrainConfig
from gpproxy.training.architecture import code_of
from gpproxy.training.checkpoint import BEST
from gpproxy.training.draw import draw, trained
from gpproxy.training.dry_run import DryRun
from gpproxy.training.loop import Measure
from gpproxy.training.outcome import Outcome, Progress, outcome
from gpproxy.training.recipe import WIDTHS, Recipe, recipe

#: Of a dry run: steps that are timed, after some that are not; seconds of a first step that is enough by itself; images
#: that are measured.
TIMED, WARM_UP, LONG, FEW = 5, 2, 3.0, 250


@dataclass
class Trainer:
    """What the settings name, opened when it is needed. Raises the errors of `gpproxy.errors`."""

    config: TrainConfig
    watch: Watch = field(default_factory=Watch)

    def __post_init__(self) -> None:
        for plugin in self.config.plugins:
            load_plugin(plugin)
        check_device(self.config.device)
        _ = self.recipe, self.code

    @cached_property
    def recipe(self) -> Recipe:
        return recipe(self.config.recipe, **self.config.recipe_changes)

    @cached_property
    def space(self) -> SearchSpace:
        config = self.config
        width = WIDTHS.get((config.recipe, config.space))
        published = {} if width is None else {"width": width}
        return make_space(config.space, {**published, **config.space_changes})

    @cached_property
    def code(self) -> str:
        return code_of(self.space, self.config.arch)

    @cached_property
    def images(self) -> ImageSet:
        return self._load(learnt_split(self.config.data), self.config.limit or None)

    @cached_property
    def extractor(self) -> Extractor | None:
        config = self.config
        if config.extractor == "none":
            return None
        weights = config.extractor_weights or None
        return extractor(config.extractor, weights, config.device, download=config.download)

    @cached_property
    def reference(self) -> Reference:
        assert self.extractor is not None
        self.watch.step("features of the real images")
        return Reference.of(self.real(), self.extractor)

    def real(self) -> ImageSet:
        """The real images that generated ones are compared with."""
        return self._load(self.config.split, None)

    @property
    def main(self) -> str:
        """Name of the distance that chooses the best check; empty where nothing is measured."""
        return "" if self.extractor is None else names(self.extractor)[0]

    def _load(self, split: str, limit: int | None) -> ImageSet:
        config = self.config
        side = int(getattr(self.space, "resolution", config.resolution or 32))
        folder = config.data_folder or None
        return load(config.data, split, resolution=side, folder=folder, download=config.download, limit=limit)

    @property
    def samples(self) -> int:
        """Images that are measured at each check."""
        return self.config.samples

    @cached_property
    def measure(self) -> Measure | None:
        """What a check measures, the distance alone; None for nothing."""
        network = self.extractor
        if network is None:
            return None
        return lambda images: {self.main: frechet_to(images, self.reference, network)}

    @property
    def facts(self) -> dict[str, Any]:
        """What a measured number belongs to: the extractor and the real images, with their digests."""
        if self.extractor is None:
            return {}
        return {
            **_network(self.extractor),
            "reference": self.reference.split,
            "reference_digest": self.reference.images.digest,
        }

    def open(self) -> None:
        """Opens everything that a training needs, so that what is missing is found before it begins."""
        _ = self.images
        if self.extractor is not None:
            _ = self.reference

    def run(self, folder: TrainFolder, patience: Patience) -> Outcome:
        """Trains to the end. Raises Interrupted after Ctrl-C, when the running step is done."""
        config = self.config
        self.open()
        running = train(
            self.space,
            self.code,
            self.images,
            self.recipe,
            seed=config.seed,
            folder=folder.path,
            device=config.device,
            measure=self.measure,
            samples=self.samples,
            main=self.main,
            facts=self.facts,
            stop=lambda: patience.asked,
        )
        patience.waiting = True
        try:
            for progress in running:
                self._tell(progress)
        except OSError as error:
            error.hint = f"Free space, then continue with\n  {resume_command(folder.path, 'train')}"  # type: ignore[attr-defined]
            raise
        patience.waiting = False
        found = outcome(folder.path)
        if found is None:
            raise Interrupted(folder.path, "train")
        return found

    def quality(self, folder: TrainFolder) -> Quality | None:
        """Every measure of the best weights, kept in the folder; None where no extractor measures.

        Raises RunError where the training was measured by another extractor.
        """
        network, ended = self.extractor, outcome(folder.path)
        if network is None or ended is None or not (folder.path / BEST).is_file():
            return None
        if (folder.path / QUALITY).is_file():
            found = Quality.from_json(folder.read_json(QUALITY))
            before = {"extractor": found.extractor, "extractor_digest": found.extractor_digest}
            _refuse_others(folder, before, _network(network))
            return found
        _refuse_others(folder, ended.about, self.facts)
        self.watch.step("measuring the best weights")
        found = self.measured(trained(self.space, self.code, folder.path / BEST, self.config.device), network)
        folder.write_json(QUALITY, found.to_json())
        return found

    def measured(self, generator: nn.Module, network: Extractor) -> Quality:
        """Every measure of a trained generator."""
        shape = tuple(self.space.inputs(1, numbered(0)).shape[1:])
        images = draw(generator, shape, self.config.samples, self.config.seed, "samples")
        return measure(images, self.reference, network)

    def dry_run(self) -> DryRun:
        """Times a few steps, and measures a few images. Writes nothing."""
        config, network = self.config, self.extractor
        objective = new_objective(self.space, self.code, self.images, self.recipe, config.seed, config.device)
        step = self._seconds(lambda: objective.step(0))
        if step < LONG:
            objective.step(1)
            step = self._seconds(lambda: [objective.step(WARM_UP + index) for index in range(TIMED)]) / TIMED
        drawn: list[Tensor] = []
        drawing = self._seconds(lambda: drawn.append(objective.samples(min(self.samples, FEW))))
        (images,) = drawn
        times = self.samples / len(images)
        features = final = check = 0.0
        if network is not None:
            real = self.real()
            part = real.first(min(len(real), FEW))
            features = self._seconds(lambda: network(part.images)) * len(real) / len(part)
            features = 0.0 if kept(real, network) else features
            few = Reference.of(part, network, cache=False)
            final = (drawing + self._seconds(lambda: measure(images, few, network))) * times
            self.reference = few  # what the check below compares with; nothing else comes after it
        take = self.measure
        if take is not None:
            check = (drawing + self._seconds(lambda: take(images))) * times
        found = self.space.describe(self.space.decode(self.code))
        judges = (network for name, network in objective.networks.items() if name.startswith("discriminator"))
        judge = sum(parameter.numel() for network in judges for parameter in network.parameters())
        steps, checks = self.recipe.steps, len(self.recipe.check_steps)
        params = int(found["params"])
        return DryRun(params, found["macs"], judge, steps, step, check, checks, self.samples, features, final)

    def _seconds(self, work: Callable[[], Any]) -> float:
        start = time.perf_counter()
        work()
        if self.config.device.startswith("cuda"):
            torch.cuda.synchronize(self.config.device)
        return time.perf_counter() - start

    def _tell(self, progress: Progress) -> None:
        """Progress with the time left, and a line per check."""
        self.watch.progress("steps", progress.step, progress.steps)
        if progress.measures is not None:
            measured = ", ".join(f"{name} {value:.4g}" for name, value in progress.measures.items())
            losses = ", ".join(f"{name} {value:.3f}" for name, value in progress.losses.items())
            rate = f"{progress.rate:.3g} steps/s"
            self.watch.note("   ".join(p for p in (f"step {progress.step}", measured, f"losses {losses}", rate) if p))


def _network(network: Extractor) -> dict[str, str]:
    return {"extractor": network.name, "extractor_digest": network.digest}


def _refuse_others(folder: TrainFolder, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises RunError where something that measures is not what it was; what an old folder does not say may be."""
    for name, value in now.items():
        if before.get(name, value) != value:
            raise RunError(
                f"The training in {folder.path} was measured with {name}={before[name]}, but here it is {value}. Use "
                "the same data and extractor weights, or choose another --out."
            )

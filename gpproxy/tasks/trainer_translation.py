"""One training of a generator that translates images: what `gpproxy.train` does with a recipe such as pix2pix.

In: a TrainConfig. Out: as `gpproxy.tasks.trainer`; held-out outputs are compared with their targets too, where there
are any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.images.image_set import ImageSet, to_bytes, to_unit
from gpproxy.images.translation import Translation, load_translation
from gpproxy.quality.features import Extractor
from gpproxy.quality.fidelity import fidelity
from gpproxy.quality.measure import Quality, measure
from gpproxy.quality.translation import DISSIMILARITY, translation_measure
from gpproxy.tasks.paired import CHUNK
from gpproxy.tasks.trainer import Trainer
from gpproxy.tasks.translation_recipe import PairedRecipe
from gpproxy.training.dry_run import DryRun


class TranslationTrainer(Trainer):
    """What the settings of a translation name, opened when it is needed. Raises the errors of `gpproxy.errors`."""

    @cached_property
    def images(self) -> Translation:  # type: ignore[override]
        config = self.config
        return load_translation(
            config.data,
            isinstance(self.recipe, PairedRecipe),
            split=config.split,
            resolution=int(getattr(self.space, "resolution", config.resolution or 64)),
            folder=config.data_folder or None,
            direction=config.direction,
            limit=config.limit or None,
        )

    @property
    def samples(self) -> int:
        """Held-out images that are measured."""
        return min(self.config.samples, len(self.images.held_out.inputs))

    @property
    def main(self) -> str:
        """The Fréchet distance, DSSIM without an extractor; empty where there are no targets either."""
        return super().main or (DISSIMILARITY if self.images.paired else "")

    def real(self) -> ImageSet:
        """The images that outputs should resemble."""
        return self.images.real()

    @cached_property
    def measure(self) -> Callable[[Tensor], Mapping[str, float]] | None:
        if not self.main:
            return None
        return translation_measure(self.images, self.extractor, self.reference if self.extractor else None)

    def dry_run(self) -> DryRun:
        """As of every training; the spaces count MACs at their published resolution, here they are of this one."""
        found, published = super().dry_run(), getattr(self.space, "PUBLISHED_RESOLUTION", self.images.side)
        return replace(found, macs=found.macs * (self.images.side / published) ** 2)

    @property
    def facts(self) -> dict[str, Any]:
        """As of every training; without an extractor, the images that outputs are compared with."""
        held_out = {"extractor": "none", "reference": f"{self.images.name}/{self.images.held_out.split}"}
        return super().facts or (held_out if self.main else {})

    def measured(self, generator: nn.Module, network: Extractor) -> Quality:
        """Every measure of the outputs for held-out images."""
        with torch.no_grad():
            parts = self.images.held_out.inputs[: self.samples].split(CHUNK)
            images = torch.cat([to_bytes(generator(to_unit(part.to(self.config.device)))).cpu() for part in parts])
        found = measure(images, self.reference, network)
        if self.images.targets is not None:
            near = fidelity(images, self.images.targets[: self.samples])
            found = replace(found, values={**found.values, **near.values}, errors={**found.errors, **near.errors})
        return found

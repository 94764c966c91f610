"""The workshop of tables of translation generators: its recipe says whether they learn from pairs.

In: a BuildConfig whose recipe is one for translations. Out: as `gpproxy.tasks.workshop`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from gpproxy.benchmark.settings import BuildConfig
from gpproxy.errors import ConfigError
from gpproxy.images.translation import Translation, load_translation
from gpproxy.quality.extractor import extractor
from gpproxy.quality.measure import floors, names
from gpproxy.quality.reference import Reference
from gpproxy.quality.translation import DISSIMILARITY, translation_measure
from gpproxy.tasks.gauge import Gauge
from gpproxy.tasks.translation_recipe import PairedRecipe, TranslationRecipe
from gpproxy.tasks.workshop import Workshop, recipe_of


def workshop(config: BuildConfig) -> Workshop:
    """The Workshop of some settings, by their recipe."""
    return (TranslationWorkshop if isinstance(recipe_of(config), TranslationRecipe) else Workshop)(config)


class TranslationWorkshop(Workshop):
    """Trains generators from images to images. The split of the settings is what they are measured on.

    Without an extractor ("none"), pairs are measured by DSSIM.
    """

    @cached_property
    def images(self) -> Translation:  # type: ignore[override]
        """What is learnt from, and the held-out images."""
        config = self.config
        return load_translation(
            config.data,
            isinstance(self.recipe, PairedRecipe),
            split=config.split,
            resolution=config.resolution,
            folder=config.data_folder or None,
        )

    @property
    def samples(self) -> int:
        return min(self.config.samples, len(self.images.held_out.inputs))

    @cached_property
    def gauge(self) -> Gauge:
        config, data = self.config, self.images
        if config.extractor == "none":
            if not data.paired:
                raise ConfigError("Without targets an extractor has to measure: choose --extractor cifar or inception.")
            real = f"{data.name}/{data.held_out.split}"
            return Gauge(DISSIMILARITY, translation_measure(data, None), {"extractor": "none", "reference": real})
        weights = config.extractor_weights or None
        network = extractor(config.extractor, weights, config.device, download=config.download)
        reference = Reference.of(data.real(), network)
        main = names(network)[0]
        floor = floors(reference, min(self.samples, len(reference.images) // 2), network)[main]
        facts: dict[str, Any] = {
            "extractor": network.name,
            "extractor_digest": network.digest,
            "reference": reference.split,
            "reference_digest": reference.images.digest,
            "floor": float(f"{floor:.4g}"),
        }
        return Gauge(main, translation_measure(data, network, reference), facts)

    @property
    def words(self) -> Mapping[str, str]:
        kind = "paired" if self.images.paired else "unpaired"
        held_out = f"measured on {self.samples} images of the {self.config.split} split"
        return {
            "task": f"{kind} image translation",
            "data": f"{self.config.data}, training split, {self.config.resolution} px, {held_out}",
        }

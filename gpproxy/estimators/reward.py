"""What images of shared weights are worth: a classifier score, an inverse distance, or both, higher is better.

In: an open task, and bytes `sample x 3 x side x side`. Out: one number each. With the published Inception weights they
are the Inception Score and 1 / FID, with another extractor CS(name) and 1 / FD(name).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from gpproxy.errors import ConfigError
from gpproxy.quality.classifier_score import classifier_score
from gpproxy.quality.frechet import frechet, moments
from gpproxy.quality.measure import names
from gpproxy.tasks.task import Task

#: What each kind of reward measures.
KINDS = {"score": ("score",), "distance": ("distance",), "both": ("score", "distance")}


class Reward:
    """Measures images.

    Args:
        task: has the extractor, and the real images that a distance is to.
        kind: `score`, `distance` or `both`.

    Raises ConfigError where the task has no extractor.
    """

    def __init__(self, task: Task, kind: str):
        if task.extractor is None:
            raise ConfigError("Shared weights are measured by an extractor: leave extractor=none out.")
        self.task, self.kinds, self.extractor = task, KINDS[kind], task.extractor

    @property
    def names(self) -> tuple[str, ...]:
        """The measures: `IS`, `CS(cifar)`, `1/FID`, `1/FD(cifar)`."""
        distance, _, score = names(self.extractor)
        return tuple(score if kind == "score" else f"1/{distance}" for kind in self.kinds)

    def __call__(self, images: Tensor) -> tuple[float, ...]:
        """The worth of images, a number per measure; smaller ones are enlarged to the side of the real ones first."""
        found = self.extractor(to_side(images, self.task.space.image_shape[-1]))
        worth = []
        for kind in self.kinds:
            if kind == "distance":
                worth.append(1.0 / max(frechet(moments(found.features), self.task.reference.moments), 1e-9))
            elif found.probabilities is None:
                raise ConfigError(f"The extractor {self.extractor.name} has no classes. Choose --reward distance.")
            else:
                worth.append(classifier_score(found.probabilities)[0])
        return tuple(worth)


def to_side(images: Tensor, side: int) -> Tensor:
    """Bytes `sample x 3 x ...` enlarged to a side, bilinear."""
    if images.shape[-1] == side:
        return images
    return F.interpolate(images.float(), (side, side), mode="bilinear", align_corners=False).round().byte()

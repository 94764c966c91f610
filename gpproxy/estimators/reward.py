"""What images of shared weights are worth: a classifier score or an inverse distance, higher is better.

In: an open task, and bytes `sample x 3 x side x side`. Out: one number. With the published Inception weights it is the
Inception Score or 1 / FID, with another extractor CS(name) or 1 / FD(name).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from gpproxy.errors import ConfigError
from gpproxy.quality.classifier_score import classifier_score
from gpproxy.quality.measure import frechet_to, names
from gpproxy.tasks.task import Task


class Reward:
    """Measures images.

    Args:
        task: has the extractor, and the real images that a distance is to.
        kind: `score` or `distance`.

    Raises ConfigError where the task has no extractor.
    """

    def __init__(self, task: Task, kind: str):
        if task.extractor is None:
            raise ConfigError("Shared weights are measured by an extractor: leave extractor=none out.")
        self.task, self.kind, self.extractor = task, kind, task.extractor

    @property
    def name(self) -> str:
        """The measure: `IS`, `CS(cifar)`, `1/FID`, `1/FD(cifar)`."""
        distance, _, score = names(self.extractor)
        return score if self.kind == "score" else f"1/{distance}"

    def __call__(self, images: Tensor) -> float:
        """The worth of images; smaller ones are enlarged to the side of the real ones first."""
        images = to_side(images, self.task.space.image_shape[-1])
        if self.kind == "distance":
            return 1.0 / max(frechet_to(images, self.task.reference, self.extractor), 1e-9)
        found = self.extractor(images).probabilities
        if found is None:
            raise ConfigError(f"The extractor {self.extractor.name} has no classes. Choose --reward distance.")
        return classifier_score(found)[0]


def to_side(images: Tensor, side: int) -> Tensor:
    """Bytes `sample x 3 x ...` enlarged to a side, bilinear."""
    if images.shape[-1] == side:
        return images
    return F.interpolate(images.float(), (side, side), mode="bilinear", align_corners=False).round().byte()

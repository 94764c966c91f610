"""How surely a classifier names single images and how evenly it uses its classes over all of them.

In: class probabilities `sample x class`. Out: exp of the mean divergence between one image's classes and those of all,
from 1 to the number of classes (higher is better). Source: Salimans et al., Improved techniques for training GANs
(2016), where the classifier is Inception.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gpproxy.errors import QualityError


def classifier_score(probabilities: Tensor, splits: int = 10) -> tuple[float, float]:
    """Mean and standard error over `splits` consecutive parts of equal size; a rest of less than a part is left out.

    Raises QualityError when a part has no image.
    """
    size = len(probabilities) // splits
    if size < 1:
        raise QualityError(f"A score over {splits} parts needs as many images, but got {len(probabilities)}.")
    p = probabilities.to(torch.float64)[: size * splits].reshape(splits, size, -1)
    mean = p.mean(dim=1, keepdim=True)
    # xlogy: a class of probability 0 adds 0.
    divergence = torch.xlogy(p, p).sum(dim=2) - torch.xlogy(p, mean).sum(dim=2)
    scores = divergence.mean(dim=1).exp()
    return float(scores.mean()), float(scores.std()) / math.sqrt(splits) if splits > 1 else math.nan

"""Losses of a pass at initialisation."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def l1(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (outputs - targets).abs().mean()


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean negative log probability of classes, in nats.

    Args:
        outputs: `sample x class x height x width`, logits.
        targets: `sample x height x width`, numbers of classes.
    """
    return F.cross_entropy(outputs, targets)

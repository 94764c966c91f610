"""Losses of a pass at initialisation."""

from __future__ import annotations

from torch import Tensor


def l1(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (outputs - targets).abs().mean()

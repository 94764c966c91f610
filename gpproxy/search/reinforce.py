"""What a controller minimises: REINFORCE (Williams, 1992) with a moving baseline and entropy, in two forms.

In: log-probabilities and entropies of one architecture, `decision` each, and its reward. Out: a loss. `corrected` is
what the AutoGAN paper describes; `published` what its released code computes: there the sum over decisions is an outer
product, so that the gradient is as many times as large as there are decisions, and the reward is not detached from the
entropies, so that the bonus lowers them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def corrected(log_probabilities: Tensor, entropies: Tensor, advantage: float, bonus: float) -> Tensor:
    """Loss whose gradient is that of minus `advantage` (reward less baseline) times log p, less `bonus` times that of
    the entropy."""
    return -advantage * log_probabilities.sum() - bonus * entropies.sum()


def published(
    log_probabilities: Tensor, entropies: Tensor, reward: float, baseline: Tensor | None, bonus: float, decay: float
) -> tuple[Tensor, Tensor]:
    """The loss as released, and the new baseline, `decision`, without gradients.

    Args:
        baseline: that of the step before; None in the first step of a round, whose advantage is 0.
    """
    rewards = reward + bonus * entropies
    now = rewards if baseline is None else decay * baseline + (1 - decay) * rewards
    # (1 x decision) times (decision x 1), broadcast to decision x decision and summed.
    loss = (-log_probabilities[None, :] * (rewards - now)[:, None]).sum()
    return loss, now.detach()


def moved(baseline: float | None, reward: float, decay: float) -> float:
    """The moving average of rewards after one more."""
    return reward if baseline is None else decay * baseline + (1 - decay) * reward


def spread(rewards: Sequence[float]) -> float:
    """Standard deviation of the rewards so far, the unit of advantages, so that the bonus for entropy means the same
    for every measure; 1 while fewer than 8 are known or all are alike."""
    found = float(torch.tensor(rewards, dtype=torch.float64).std()) if len(rewards) >= 8 else 0.0
    return found or 1.0

"""BatchNorm statistics of a generator for its weights as they are ("standing statistics", Brock et al., 2019).

In: a generator and batches of noise. Out: the same generator, whose running means and variances are those of these
batches, instead of averages over weights that it no longer has.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def recalibrate(network: nn.Module, batches: Iterable[Tensor]) -> nn.Module:
    """Sets the statistics of every BatchNorm to the mean over the batches, in place; the network is then in eval mode.

    Each batch counts the same. Other layers run in eval mode. A network without BatchNorm runs nothing.
    """
    network.eval()
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    norms = [norm for norm in norms if norm.track_running_stats]
    if not norms:
        return network
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    for batch in batches:
        network(batch)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
    return network.eval()

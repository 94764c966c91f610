"""Proxies of the data-free pass of SynFlow: |weights|, no norms, one all-ones input, float64."""

from __future__ import annotations

import torch
from torch import Tensor

from gpproxy.statistics.classical.layers import layer_synflow, total
from gpproxy.statistics.classical.proxy import proxy
from gpproxy.statistics.passes import Passes


@proxy(source="Tanaka et al., 2020; logarithm as in NASLib", forwards=1 / 16, backwards=1 / 16, needs_backward=True)
def synflow(passes: Passes) -> Tensor:
    """Logarithm of the sum of |weight| * gradient of the summed output; the sum itself reaches 1e61.

    The squashing output function is bypassed (behind a saturated Tanh the published value is 0), and weights only are
    summed, no biases; biases do take part in the pass as absolute values, as published.
    """
    return total(layer_synflow(passes)).log()


@proxy(source="Cavagnero et al., 2023", forwards=1 / 16, backwards=1 / 16, needs_backward=True)
def logsynflow(passes: Passes) -> Tensor:
    """Sum of |weight| * log(1 + gradient) of the SynFlow pass.

    Another published form, |weight| * |log gradient|, is not finite where a gradient is zero.
    """
    pairs = [(layer.weight, layer.weight_gradient) for layer in passes.ones.layers]
    return torch.stack([(weight * g.abs().log1p()).sum() for weight, g in pairs if g is not None]).sum()

"""Classical zero-cost proxies: what goes in is a `Passes` at one untrained network, what comes out is one number.

Every proxy is computed on the full tensors, in training mode, from the batch of the look. Layers are those of
`passes.WEIGHTED` that the forward pass calls; transposed convolutions count, although the published code leaves them
out. A value that is not finite is NaN. Proxies that need passes of their own leave the network as they found it and
draw from generators of a fixed seed.

Not here: `epe_nas` (Lopes et al., 2021) is undefined, because it needs class labels; structural descriptors (params,
MACs, depth, ...) come from `SearchSpace.describe`.

Source: formulas as coded by Abdelfattah et al., 2021, and by the authors named at each proxy.
"""

from gpproxy.statistics.classical import activations, autogas, gradients, inputs, samples, synflow  # noqa: F401  register
from gpproxy.statistics.classical.proxy import PROXIES, ClassicalProxy

__all__ = ["PROXIES", "ClassicalProxy"]

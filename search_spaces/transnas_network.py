"""The encoder-decoder networks of TransNAS-Bench-101 (Duan et al., 2021), autoencoding task.

Only the live part of a cell is built: an edge that no input reaches or that no output needs changes nothing.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: A module of the backbone: input channels, output channels, stride.
Plan = tuple[int, int, int]

STEM_CHANNELS = 64


def relu_conv_bn(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    """ReLU, convolution without bias, batch norm."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(outputs))


class FactorizedReduce(nn.Module):
    """Skip connection that changes resolution or width: two shifted 1 x 1 convolutions, half of the channels each."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.relu = nn.ReLU()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, stride, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - outputs // 2, 1, stride, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        shifted = F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        return self.norm(torch.cat([self.even(x), self.odd(shifted)], 1))


class BasicCell(nn.Module):
    """Residual block of the macro space."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = relu_conv_bn(inputs, outputs, 3, stride)
        self.second = relu_conv_bn(outputs, outputs, 3, 1)
        self.residual: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.residual = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x)) + self.residual(x)


#: Edges of a micro cell in the order of the code: (from node, to node).
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


def live_edges(operations: tuple[int, ...]) -> tuple[int, ...]:
    """Indices of the edges on a path from node 0 to node 3 through non-zero operations."""
    used = [i for i, operation in enumerate(operations) if operation]
    forward, backward = {0}, {3}
    for i in used:
        if EDGES[i][0] in forward:
            forward.add(EDGES[i][1])
    for i in reversed(used):
        if EDGES[i][1] in backward:
            backward.add(EDGES[i][0])
    return tuple(i for i in used if EDGES[i][0] in forward and EDGES[i][1] in backward)


class MicroCell(nn.Module):
    """Cell of four nodes: a node sums its incoming edges, the last node is the output."""

    def __init__(self, operations: tuple[int, ...], inputs: int, outputs: int, stride: int, live: bool = True):
        super().__init__()
        self.outputs, self.stride = outputs, stride
        kept = live_edges(operations) if live else tuple(i for i, operation in enumerate(operations) if operation)
        self.edges = nn.ModuleDict()
        for i in kept:
            first = EDGES[i][0] == 0
            self.edges[str(i)] = self._edge(
                operations[i], inputs if first else outputs, outputs, stride if first else 1
            )

    @staticmethod
    def _edge(operation: int, inputs: int, outputs: int, stride: int) -> nn.Module:
        if operation == 1:
            return nn.Identity() if stride == 1 and inputs == outputs else FactorizedReduce(inputs, outputs, stride)
        return relu_conv_bn(inputs, outputs, {2: 1, 3: 3}[operation], stride)

    def forward(self, x: Tensor) -> Tensor:
        zero = x.new_zeros(x.shape[0], self.outputs, -(-x.shape[2] // self.stride), -(-x.shape[3] // self.stride))
        nodes: list[Tensor | None] = [x, None, None, None]
        for index, edge in self.edges.items():
            source, target = EDGES[int(index)]
            value = edge(zero if nodes[source] is None else nodes[source])
            nodes[target] = value if nodes[target] is None else nodes[target] + value
        return zero if nodes[3] is None else nodes[3]


@lru_cache(maxsize=4096)
def canonical_cell(operations: tuple[int, ...]) -> Any:
    """The cell as a graph of parametrised branches, up to renaming.

    Identity skips between inner nodes vanish (their terms are passed on, shared); a skip from node 0 stays, since it
    has parameters where the module changes resolution; a branch without input vanishes. What is left is a multiset of
    branches for the output and one for the operand of every branch; equal graphs are equal functions.
    """
    branches: list[tuple[int, dict[int, int]]] = []
    nodes: list[dict[int, int]] = [{-1: 1}, {}, {}, {}]
    for (source, target), operation in zip(EDGES, operations):
        terms = nodes[source]
        if operation == 0 or not terms:
            continue
        if operation > 1 or source == 0:
            branches.append((operation, terms))
            terms = {len(branches) - 1: 1}
        for branch, times in terms.items():
            nodes[target][branch] = nodes[target].get(branch, 0) + times

    live: list[int] = []
    stack = list(nodes[3])
    while stack:
        branch = stack.pop()
        if branch >= 0 and branch not in live:
            live.append(branch)
            stack.extend(branches[branch][1])

    def rename(terms: dict[int, int], names: dict[int, int]) -> tuple:
        return tuple(sorted((names[b], times) for b, times in terms.items()))

    forms = []
    for order in itertools.permutations(range(len(live))):
        names = {-1: -1, **dict(zip(live, order))}
        rows: list[tuple] = [()] * len(live)
        for branch in live:
            rows[names[branch]] = (branches[branch][0], rename(branches[branch][1], names))
        forms.append((rename(nodes[3], names), tuple(rows)))
    return min(forms)


class Encoder(nn.Module):
    """Stem (to a quarter of the resolution) and modules of two cells each."""

    def __init__(self, plans: list[Plan], cell):
        super().__init__()
        half = STEM_CHANNELS // 2
        self.stem = nn.Sequential(
            nn.Conv2d(3, half, 3, 2, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(),
            nn.Conv2d(half, STEM_CHANNELS, 3, 2, 1, bias=False), nn.BatchNorm2d(STEM_CHANNELS),
        )  # fmt: skip
        self.modules_ = nn.Sequential(*(nn.Sequential(cell(i, o, s), cell(o, o, 1)) for i, o, s in plans))

    def forward(self, x: Tensor) -> Tensor:
        return self.modules_(self.stem(x))


class Decoder(nn.Sequential):
    """Fourteen 3 x 3 (transposed) convolutions back to an image or to classes; `ups` of them double the resolution.

    Args:
        inputs: channels of the code.
        ups: doublings of resolution, 3 to 6.
        width: factor on the channel numbers of all inner layers.
        classes: numbers that are put out at every position, without bounds, in place of a colour; 0 for a colour.
    """

    def __init__(self, inputs: int, ups: int, width: float = 1.0, classes: int = 0):
        # (channels, least number of doublings for which the layer is transposed; 9 = never)
        plan = [(1024, 9), (1024, 9), (512, 6), (512, 9), (256, 5), (128, 9), (64, 4), (64, 9), (32, 3), (32, 9),
                (16, 0), (32, 9), (16, 0)]  # fmt: skip
        layers: list[nn.Module] = []
        for channels, threshold in plan:
            channels = max(4, math.ceil(channels * width))
            if ups >= threshold:
                layers.append(nn.ConvTranspose2d(inputs, channels, 3, 2, 1, output_padding=1))
            else:
                layers.append(nn.Conv2d(inputs, channels, 3, 1, 1))
            layers += [nn.BatchNorm2d(channels), nn.LeakyReLU(0.2)]
            inputs = channels
        ends = [nn.Conv2d(inputs, classes or 3, 3, 1, 1), *([] if classes else [nn.Tanh()])]
        super().__init__(*layers, *ends)


class Autoencoder(nn.Module):
    """Encoder and decoder; the discriminator of the benchmark is not part of the generator."""

    #: The module whose input is the code.
    bottleneck = "decoder.0"

    def __init__(self, encoder: Encoder, decoder: Decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))

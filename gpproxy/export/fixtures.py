"""Small networks with fixed weights that an exported proxy checks itself on, and the images that they are given.

One is made of modules, one of functions on bare parameters, one has tokens and attention: the three ways in which a
look has to see a network. All of them return images of the size that they take. This file needs torch only: an exported
proxy carries a copy of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def filled(network: nn.Module) -> nn.Module:
    """The network with waves for weights and no biases; norms stay as they are."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim > 1:
                waves = torch.arange(parameter.numel(), dtype=torch.float64)
                waves = torch.sin(1.7 * waves + 0.3 * parameter.shape[0]) + 0.5 * torch.cos(0.37 * waves**1.5)
                scale = (parameter[0].numel() / 2) ** -0.5
                parameter.copy_((scale * waves).view_as(parameter))
            elif name.endswith("bias"):
                parameter.zero_()
    return network


def module_network() -> nn.Module:
    """An encoder-decoder of modules."""
    return filled(
        nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 12, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(12, 12, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(12, 6, 4, stride=2, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Conv2d(6, 3, 3, padding=1),
            nn.Tanh(),
        )
    )


class Styled(nn.Module):
    """Convolutions as functions of bare parameters; the weight of the second one is made anew for every sample."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Parameter(torch.empty(8, 3, 3, 3))
        self.style = nn.Parameter(torch.empty(8, 3))
        self.modulated = nn.Parameter(torch.empty(8, 8, 3, 3))
        self.leave = nn.Parameter(torch.empty(3, 8, 3, 3))

    def forward(self, images: Tensor) -> Tensor:
        x = torch.relu(nn.functional.conv2d(images, self.enter, padding=1))
        style = 1 + nn.functional.linear(images.mean((2, 3)), self.style)
        weight = self.modulated * style[:, None, :, None, None]
        weight = weight * (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()
        x = x.reshape(1, -1, *x.shape[2:])
        x = nn.functional.conv2d(x, weight.flatten(0, 1), padding=1, groups=len(images))
        x = torch.relu(x.reshape(len(images), -1, *x.shape[2:]))
        return torch.tanh(nn.functional.conv2d(x, self.leave, padding=1))


def functional_network() -> nn.Module:
    """A style-based generator of functions."""
    return filled(Styled())


class Tokens(nn.Module):
    """Patches of 4 x 4 pixels as tokens, attention as a function and as a module, a perceptron, and images again."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(48, 16), nn.Linear(16, 48)
        self.norm, self.mixed = nn.LayerNorm(16), nn.Linear(16, 48)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.widen, self.narrow = nn.Linear(16, 32), nn.Linear(32, 16)

    def forward(self, images: Tensor) -> Tensor:
        rows, columns = images.shape[2] // 4, images.shape[3] // 4
        tokens = self.enter(nn.functional.pixel_unshuffle(images, 4).flatten(2).transpose(1, 2))
        parts = self.mixed(self.norm(tokens)).chunk(3, 2)
        query, key, value = (part.unflatten(2, (2, 8)).transpose(1, 2) for part in parts)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + mixed.transpose(1, 2).flatten(2)
        tokens = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        tokens = tokens + self.narrow(torch.relu(self.widen(tokens)))
        made = self.leave(tokens).transpose(1, 2).unflatten(2, (rows, columns))
        return torch.tanh(nn.functional.pixel_shuffle(made, 4))


def token_network() -> nn.Module:
    """A transformer on patches."""
    return filled(Tokens())


def fixture_inputs() -> Tensor:
    """Six images of 32 x 32 pixels, large enough for any discriminator."""
    waves = torch.arange(6 * 3 * 32 * 32, dtype=torch.float64)
    return (torch.sin(0.9 * waves) + 0.7 * torch.sin(0.013 * waves**1.3)).view(6, 3, 32, 32).float()

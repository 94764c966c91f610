"""Generators from noise as people write them, each as a search space of a few lines.

gpproxy score --plugins docs/gallery/gans.py --space stylegan2 --proxy "median_layers(layer_snip)" --sample 4
gpproxy search --plugins docs/gallery/gans.py --space biggan --proxy "min_layers(layer_snip)" --budget 4
gpproxy train --plugins docs/gallery/gans.py --space dcgan --arch 16_0 --data shapes --steps 200

Nothing in the networks knows of gpproxy: modules, functions, bare parameters, noise and labels, as they come.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from gpproxy.search_spaces import Batch, choice_space

#: One to try things on, and one on which the price of a look is measured.
WIDTHS = (16, 64)
LABELS = 10


@choice_space("dcgan", {"width": WIDTHS, "extra": (0, 1)}, inputs=64, source="Radford et al., 2016")
def dcgan(width: int, extra: int) -> nn.Module:
    """Transposed convolutions, batch norm and rectifiers in place, 32 pixels."""
    layers: list[nn.Module] = [nn.Unflatten(1, (64, 1, 1)), nn.ConvTranspose2d(64, 4 * width, 4, 1, 0, bias=False)]
    for channels in (4 * width, 2 * width):
        layers += [nn.BatchNorm2d(channels), nn.ReLU(True)]
        for _ in range(extra):
            layers += [nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(True)]
        layers += [nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1, bias=False)]
    layers += [nn.BatchNorm2d(width), nn.ReLU(True), nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False), nn.Tanh()]
    network = nn.Sequential(*layers)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
    return network


class ResidualUp(nn.Module):
    """Norm, rectifier, doubling, convolution, twice, beside a shortcut (Miyato et al., 2018)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv1, self.conv2 = nn.Conv2d(inputs, outputs, 3, 1, 1), nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = F.interpolate(F.relu(self.norm1(x)), scale_factor=2)
        h = self.conv2(F.relu(self.norm2(self.conv1(h))))
        return h + self.shortcut(F.interpolate(x, scale_factor=2))


class SNGAN(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.first = nn.Linear(64, 16 * width)
        self.blocks = nn.Sequential(*[ResidualUp(width, width) for _ in range(3)])
        self.norm, self.last = nn.BatchNorm2d(width), nn.Conv2d(width, 3, 3, 1, 1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.blocks(self.first(z).view(-1, self.width, 4, 4))
        return torch.tanh(self.last(F.relu(self.norm(x))))


@choice_space("sngan", {"width": WIDTHS}, inputs=64, source="Miyato et al., 2018")
def sngan(width: int) -> nn.Module:
    """Residual blocks with rectifiers as functions, 32 pixels."""
    return SNGAN(width)


class ConditionalNorm(nn.Module):
    """Batch norm whose gain and bias follow from label and noise."""

    def __init__(self, channels: int, condition: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.gain = spectral_norm(nn.Linear(condition, channels, bias=False))
        self.bias = spectral_norm(nn.Linear(condition, channels, bias=False))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        gain, bias = 1 + self.gain(condition), self.bias(condition)
        return self.norm(x) * gain[:, :, None, None] + bias[:, :, None, None]


class ConditionalUp(nn.Module):
    def __init__(self, inputs: int, outputs: int, condition: int):
        super().__init__()
        self.norm1, self.norm2 = ConditionalNorm(inputs, condition), ConditionalNorm(outputs, condition)
        self.conv1 = spectral_norm(nn.Conv2d(inputs, outputs, 3, padding=1))
        self.conv2 = spectral_norm(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.shortcut = spectral_norm(nn.Conv2d(inputs, outputs, 1))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        h = F.interpolate(F.relu(self.norm1(x, condition)), scale_factor=2)
        h = self.conv2(F.relu(self.norm2(self.conv1(h), condition)))
        return h + self.shortcut(F.interpolate(x, scale_factor=2))


class SelfAttention(nn.Module):
    """Attention between places (Zhang et al., 2019), its share learnt from zero on."""

    def __init__(self, channels: int):
        super().__init__()
        self.query, self.key = (spectral_norm(nn.Conv2d(channels, channels // 8, 1, bias=False)) for _ in range(2))
        self.value = spectral_norm(nn.Conv2d(channels, channels // 2, 1, bias=False))
        self.out = spectral_norm(nn.Conv2d(channels // 2, channels, 1, bias=False))
        self.share = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x).flatten(2)
        key, value = (F.max_pool2d(part, 2).flatten(2) for part in (self.key(x), self.value(x)))
        weights = torch.softmax(torch.bmm(query.transpose(1, 2), key), -1)
        found = torch.bmm(value, weights.transpose(1, 2)).view(len(x), -1, *x.shape[2:])
        return self.share * self.out(found) + x


class BigGAN(nn.Module):
    """Noise in chunks, one for the first layer and one for each block, each beside a shared embedding of the label."""

    CHUNK = 16

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.embed = nn.Embedding(LABELS, 16)
        self.first = spectral_norm(nn.Linear(self.CHUNK, 16 * 2 * width))
        sizes = ((2 * width, 2 * width), (2 * width, width), (width, width))
        self.blocks = nn.ModuleList([ConditionalUp(inputs, outputs, 32) for inputs, outputs in sizes])
        self.attention = SelfAttention(width)
        self.norm, self.last = nn.BatchNorm2d(width), spectral_norm(nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        first, *rest = z.split(self.CHUNK, 1)
        label = self.embed(label)
        x = self.first(first).view(-1, 2 * self.width, 4, 4)
        for index, (block, chunk) in enumerate(zip(self.blocks, rest, strict=True)):
            x = block(x, torch.cat([label, chunk], 1))
            if index == 1:
                x = self.attention(x)
        return torch.tanh(self.last(F.relu(self.norm(x))))


def noise_and_labels(count: int, generator: torch.Generator) -> Batch:
    noise = torch.randn(count, 4 * BigGAN.CHUNK, generator=generator)
    return Batch(noise, condition=torch.randint(LABELS, (count,), generator=generator))


@choice_space("biggan", {"width": WIDTHS}, inputs=noise_and_labels, source="Brock et al., 2019")
def biggan(width: int) -> nn.Module:
    """Labels by a shared embedding and conditional batch norm, self-attention, spectral norm (the old form)."""
    return BigGAN(width)


class Equalised(nn.Linear):
    """A linear layer whose weights are scaled as they are used."""

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0):
        super().__init__(inputs, outputs)
        nn.init.normal_(self.weight)
        nn.init.constant_(self.bias, bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight / math.sqrt(self.in_features), self.bias)


class Modulated(nn.Module):
    """A convolution with weights of its own for every sample, as one grouped convolution (Karras et al., 2020)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, style: int, demodulate: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel) / math.sqrt(inputs * kernel**2))
        self.affine, self.demodulate = Equalised(style, inputs, 1.0), demodulate

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        weight = self.weight[None] * self.affine(style)[:, None, :, None, None]
        if self.demodulate:
            weight = weight * torch.rsqrt(weight.square().sum((2, 3, 4), keepdim=True) + 1e-8)
        x = x.reshape(1, count * channels, height, width)
        x = F.conv2d(x, weight.flatten(0, 1), padding=self.weight.shape[-1] // 2, groups=count)
        return x.view(count, -1, height, width)


class Styled(nn.Module):
    def __init__(self, inputs: int, outputs: int, style: int):
        super().__init__()
        self.conv = Modulated(inputs, outputs, 3, style)
        self.strength, self.bias = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        x = self.conv(x, style)
        x = x + self.strength * torch.randn(len(x), 1, *x.shape[2:], device=x.device)
        return F.leaky_relu(x + self.bias[:, None, None], 0.2) * math.sqrt(2)


class StyleGAN2(nn.Module):
    STYLE = 32

    def __init__(self, width: int, depth: int):
        super().__init__()
        self.mapping = nn.ModuleList([Equalised(self.STYLE, self.STYLE) for _ in range(depth)])
        self.constant = nn.Parameter(torch.randn(1, width, 4, 4))
        self.first = Styled(width, width, self.STYLE)
        self.blocks = nn.ModuleList(
            [nn.ModuleList([Styled(width, width, self.STYLE), Styled(width, width, self.STYLE)]) for _ in range(3)]
        )
        self.to_rgb = nn.ModuleList([Modulated(width, 3, 1, self.STYLE, demodulate=False) for _ in range(4)])

    def forward(self, z: Tensor) -> Tensor:
        style = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.mapping:
            style = F.leaky_relu(layer(style), 0.2) * math.sqrt(2)
        x = self.first(self.constant.expand(len(z), -1, -1, -1), style)
        image = self.to_rgb[0](x, style)
        for (enlarge, refine), to_rgb in zip(self.blocks, self.to_rgb[1:]):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = refine(enlarge(x, style), style)
            image = F.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False) + to_rgb(x, style)
        return image


@choice_space("stylegan2", {"width": WIDTHS, "depth": (2, 4)}, inputs=StyleGAN2.STYLE, source="Karras et al., 2020")
def stylegan2(width: int, depth: int) -> nn.Module:
    """Convolutions by function calls on computed weights, noise inside, 32 pixels."""
    return StyleGAN2(width, depth)


class Tokens(nn.Module):
    """A transformer block. The first stage computes its attention by hand, the second by torch's function."""

    def __init__(self, width: int, heads: int, by_hand: bool):
        super().__init__()
        self.heads, self.by_hand = heads, by_hand
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        count, places, width = x.shape
        parts = self.qkv(self.norm1(x)).view(count, places, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        if self.by_hand:
            weights = (query @ key.transpose(-2, -1) / math.sqrt(width // self.heads)).softmax(-1)
            found = weights @ value
        else:
            found = F.scaled_dot_product_attention(query, key, value)
        x = x + self.out(found.transpose(1, 2).reshape(count, places, width))
        return x + self.mlp(self.norm2(x))


class TransGAN(nn.Module):
    """Tokens on 8 x 8 places, a pixel shuffle to 16 x 16, colours by a linear layer on every token."""

    def __init__(self, width: int, depth: int):
        super().__init__()
        self.width = width
        self.first = nn.Linear(64, 64 * width)
        self.places = nn.ParameterList([torch.randn(1, 64, width) * 0.02, torch.randn(1, 256, width // 4) * 0.02])
        self.small = nn.Sequential(*[Tokens(width, 4, True) for _ in range(depth)])
        self.large = nn.Sequential(*[Tokens(width // 4, 2, False) for _ in range(depth)])
        self.colours = nn.Linear(width // 4, 3)

    def forward(self, z: Tensor) -> Tensor:
        x = self.small(self.first(z).view(-1, 64, self.width) + self.places[0])
        x = F.pixel_shuffle(x.transpose(1, 2).reshape(-1, self.width, 8, 8), 2)
        x = self.large(x.flatten(2).transpose(1, 2) + self.places[1])
        return self.colours(x).transpose(1, 2).reshape(-1, 3, 16, 16)


@choice_space("transgan", {"width": (32, 256), "depth": (1, 2)}, inputs=64, source="Jiang et al., 2021")
def transgan(width: int, depth: int) -> nn.Module:
    """Attention and linear layers on tokens, no convolution, 16 pixels."""
    return TransGAN(width, depth)

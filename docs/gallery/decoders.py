"""Decoders and denoisers as people write them: VAE, diffusion, audio and video, each as a search space.

gpproxy score --plugins docs/gallery/decoders.py --space ddpm --proxy "median_layers(layer_snip)" --sample 2
gpproxy search --plugins docs/gallery/decoders.py --space hifigan --proxy "total_macs" --budget 4

`vae-diffusers` and `ddpm-diffusers` are those of Hugging Face's diffusers, where that is installed.
"""

from __future__ import annotations

import importlib.util
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from gpproxy.search_spaces import Batch, choice_space

WIDTHS = (16, 64)


class Attention(nn.Module):
    """Attention between places by torch's module."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.GroupNorm(4, channels)
        self.attention = nn.MultiheadAttention(channels, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm(x).flatten(2).transpose(1, 2)
        found, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        return x + found.transpose(1, 2).view_as(x)


class Swish(nn.Module):
    """A residual block of a VAE decoder."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(4, inputs), nn.GroupNorm(4, outputs)
        self.conv1, self.conv2 = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm1(x)
        h = self.norm2(self.conv1(h * torch.sigmoid(h)))
        return self.skip(x) + self.conv2(h * torch.sigmoid(h))


class VAEDecoder(nn.Module):
    """Moments of a latent map in, a sample of it drawn inside, an image out."""

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(4, 2 * width, 3, padding=1)
        self.middle = nn.Sequential(Swish(2 * width, 2 * width), Attention(2 * width), Swish(2 * width, 2 * width))
        self.up = nn.Sequential(
            *[nn.Upsample(scale_factor=2), nn.Conv2d(2 * width, 2 * width, 3, padding=1), Swish(2 * width, width)],
            *[nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1), Swish(width, width)],
        )
        self.norm, self.last = nn.GroupNorm(4, width), nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, moments: Tensor) -> Tensor:
        mean, log_variance = moments.chunk(2, 1)
        latent = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        x = self.up(self.middle(self.first(latent)))
        return self.last(F.silu(self.norm(x)))


def moments(count: int, generator: torch.Generator) -> Tensor:
    return torch.randn(count, 8, 8, 8, generator=generator)


@choice_space("vae", {"width": WIDTHS}, inputs=moments, source="Rombach et al., 2022")
def vae(width: int) -> nn.Module:
    """A VAE's decoder with the draw of the latent inside and torch's attention module, 32 pixels."""
    return VAEDecoder(width)


class Timed(nn.Module):
    """A residual block that is told the time step."""

    def __init__(self, inputs: int, outputs: int, time: int):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(4, inputs), nn.GroupNorm(4, outputs)
        self.conv1, self.conv2 = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.time = nn.Linear(time, outputs)
        self.dropout = nn.Dropout(0.1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time(F.silu(time))[:, :, None, None]
        return self.skip(x) + self.conv2(self.dropout(F.silu(self.norm2(h))))


class Places(nn.Module):
    """Attention between places by 1 x 1 convolutions and einsum, as in DDPM."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.GroupNorm(4, channels)
        self.qkv, self.out = nn.Conv2d(channels, 3 * channels, 1), nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(self.norm(x)).flatten(2).chunk(3, 1)
        weights = torch.einsum("bci,bcj->bij", query, key).mul(x.shape[1] ** -0.5).softmax(-1)
        return x + self.out(torch.einsum("bij,bcj->bci", weights, value).view_as(x))


class DDPM(nn.Module):
    """A denoiser with skips between equal sizes, told the time step by sines and cosines."""

    def __init__(self, width: int):
        super().__init__()
        self.width, time = width, 4 * width
        self.embed = nn.Sequential(nn.Linear(width, time), nn.SiLU(), nn.Linear(time, time))
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.down1, self.down2 = Timed(width, width, time), Timed(width, 2 * width, time)
        self.shrink = nn.Conv2d(width, width, 3, 2, 1)
        self.middle = nn.ModuleList(
            [Timed(2 * width, 2 * width, time), Places(2 * width), Timed(2 * width, 2 * width, time)]
        )
        self.up2, self.up1 = Timed(4 * width, width, time), Timed(2 * width, width, time)
        self.enlarge = nn.Conv2d(width, width, 3, padding=1)
        self.norm, self.last = nn.GroupNorm(4, width), nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x: Tensor, step: Tensor) -> Tensor:
        rates = torch.exp(-math.log(10_000) * torch.arange(self.width // 2, device=x.device) / (self.width // 2))
        angles = step[:, None].float() * rates
        time = self.embed(torch.cat([angles.sin(), angles.cos()], 1))
        large = self.down1(self.first(x), time)
        small = self.down2(self.shrink(large), time)
        h = self.middle[2](self.middle[1](self.middle[0](small, time)), time)
        h = self.up2(torch.cat([h, small], 1), time)
        h = self.enlarge(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        h = self.up1(torch.cat([h, large], 1), time)
        return self.last(F.silu(self.norm(h)))


def noisy(count: int, generator: torch.Generator) -> Batch:
    images = torch.randn(count, 3, 16, 16, generator=generator)
    return Batch(images, condition=torch.randint(1000, (count,), generator=generator))


@choice_space("ddpm", {"width": WIDTHS}, inputs=noisy, source="Ho et al., 2020")
def ddpm(width: int) -> nn.Module:
    """A denoising U-Net with time steps, dropout and attention by einsum, 16 pixels."""
    return DDPM(width)


class Dilated(nn.Module):
    """Convolutions of growing dilation around a sum (the residual block of HiFi-GAN)."""

    def __init__(self, channels: int):
        super().__init__()
        self.wide = nn.ModuleList(
            [weight_norm(nn.Conv1d(channels, channels, 3, dilation=d, padding=d)) for d in (1, 3, 5)]
        )
        self.plain = nn.ModuleList([weight_norm(nn.Conv1d(channels, channels, 3, padding=1)) for _ in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        for wide, plain in zip(self.wide, self.plain):
            x = x + plain(F.leaky_relu(wide(F.leaky_relu(x, 0.1)), 0.1))
        return x


class HiFiGAN(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.first = weight_norm(nn.Conv1d(20, width, 7, padding=3))
        self.ups = nn.ModuleList(
            [weight_norm(nn.ConvTranspose1d(width >> i, width >> (i + 1), 8, 4, 2)) for i in range(2)]
        )
        self.blocks = nn.ModuleList([Dilated(width >> (i + 1)) for i in range(2)])
        self.last = weight_norm(nn.Conv1d(width >> 2, 1, 7, padding=3))

    def forward(self, mel: Tensor) -> Tensor:
        x = self.first(mel)
        for up, block in zip(self.ups, self.blocks):
            x = block(up(F.leaky_relu(x, 0.1)))
        return torch.tanh(self.last(F.leaky_relu(x)))


def spectrogram(count: int, generator: torch.Generator) -> Tensor:
    return torch.randn(count, 20, 16, generator=generator)


@choice_space("hifigan", {"width": (16, 256)}, inputs=spectrogram, source="Kong et al., 2020")
def hifigan(width: int) -> nn.Module:
    """Audio: 1-D convolutions under weight norm (the new form), 16 frames of a spectrogram to 256 samples."""
    return HiFiGAN(width)


class VGAN(nn.Module):
    """Video: a moving foreground and a still background, mixed by a mask."""

    def __init__(self, width: int):
        super().__init__()
        self.background = nn.Sequential(
            *[nn.ConvTranspose2d(64, 2 * width, 4, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU(True)],
            *[nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)],
            *[nn.ConvTranspose2d(width, 3, 4, 2, 1), nn.Tanh()],
        )
        self.video = nn.Sequential(
            nn.ConvTranspose3d(64, 2 * width, (2, 4, 4), bias=False),
            *[nn.BatchNorm3d(2 * width), nn.ReLU(True)],
            *[nn.ConvTranspose3d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm3d(width), nn.ReLU(True)],
        )
        self.foreground = nn.Sequential(nn.ConvTranspose3d(width, 3, 4, 2, 1), nn.Tanh())
        self.mask = nn.Sequential(nn.ConvTranspose3d(width, 1, 4, 2, 1), nn.Sigmoid())

    def forward(self, z: Tensor) -> Tensor:
        z = z[:, :, None, None]
        video, still = self.video(z[..., None]), self.background(z)
        mask = self.mask(video)
        return mask * self.foreground(video) + (1 - mask) * still[:, :, None].expand(-1, -1, 8, -1, -1)


@choice_space("vgan", {"width": (8, 64)}, inputs=64, source="Vondrick et al., 2016")
def vgan(width: int) -> nn.Module:
    """Video: 3-D transposed convolutions, 8 frames of 16 pixels."""
    return VGAN(width)


if importlib.util.find_spec("diffusers"):
    from diffusers import AutoencoderKL, UNet2DModel

    def latents(count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, 4, 8, 8, generator=generator)

    @choice_space("vae-diffusers", {"width": WIDTHS}, inputs=latents, source="Rombach et al., 2022")
    def vae_diffusers(width: int) -> nn.Module:
        """The decoder of Stable Diffusion's autoencoder, as diffusers has it, 16 pixels."""
        blocks = {"up_block_types": ("UpDecoderBlock2D",) * 2, "down_block_types": ("DownEncoderBlock2D",) * 2}
        return AutoencoderKL(block_out_channels=(width, 2 * width), norm_num_groups=8, **blocks).decoder

    @choice_space("ddpm-diffusers", {"width": WIDTHS}, inputs=noisy, source="Ho et al., 2020")
    def ddpm_diffusers(width: int) -> nn.Module:
        """The U-Net of DDPM, as diffusers has it; it returns a dataclass."""
        return UNet2DModel(
            sample_size=16,
            layers_per_block=1,
            block_out_channels=(width, 2 * width),
            down_block_types=("DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "UpBlock2D"),
            norm_num_groups=8,
        )

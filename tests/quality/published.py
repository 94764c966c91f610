"""The published CIFAR-10 ResNets of `reference_extractors`, as independent extractors.

In: a file of plain PyTorch weights. Out: an extractor of 64 pooled features. Structure: He et al., Deep residual
learning (2016), section 4.2, shortcuts that subsample and pad with zeros. Weights: akamaster/pytorch_resnet_cifar10.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpproxy.quality.features import Features, file_digest

#: What the weights were trained with, per channel, on a scale from 0 to 1.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.wider = stride, (outputs - inputs) // 2

    def forward(self, x: Tensor) -> Tensor:
        shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.wider, self.wider))
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + shortcut)


class ResNet(nn.Module):
    def __init__(self, blocks: int):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        for number, (inputs, outputs) in enumerate(((16, 16), (16, 32), (32, 64)), start=1):
            first = Block(inputs, outputs, 1 if number == 1 else 2)
            rest = [Block(outputs, outputs, 1) for _ in range(blocks - 1)]
            self.add_module(f"layer{number}", nn.Sequential(first, *rest))
        self.linear = nn.Linear(64, 10)

    def embed(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x))).mean(dim=(2, 3))


class Published:
    """An extractor as in `gpproxy.quality.extractor`, of 20 or 32 layers."""

    dimensions, published = 64, False

    def __init__(self, path: Path):
        self.name = path.name.split("-")[0]
        self.digest = file_digest(path)[:16]
        assert path.stem.endswith(self.digest[:8]), f"{path} is damaged"
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        self.network = ResNet({"resnet20": 3, "resnet32": 5}[self.name])
        self.network.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
        self.network = self.network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Features:
        mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
        layout = torch.channels_last
        chunks = [((c.float() / 255 - mean) / deviation).contiguous(memory_format=layout) for c in images.split(25)]
        features = torch.cat([self.network.embed(chunk) for chunk in chunks])
        return Features(features, self.network.linear(features).softmax(dim=1))

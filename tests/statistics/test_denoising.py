"""What a denoising network shows by noise level and by resolution, against NumPy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gpproxy.primitives.types import LayerScalar
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.batch import Batch
from gpproxy.statistics.absent import AbsentPass
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.observe import collect_one
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import STATISTICS
from tests.statistics.tiny import LEVELLED, images, look_at, mlp, squared, without_norms

LEVELS = torch.tensor([-0.7, -0.2, 0.1, 0.4, 0.5, 1.1])


class Told(nn.Module):
    """A generator that is told a level, which scales what comes in by its exponential."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        return self.inner(x * level.exp()[:, None, None, None])


def look(network: nn.Module, x: Tensor | None = None, levels: Tensor = LEVELS) -> Passes:
    batch = Batch(images() if x is None else x, condition=levels)
    return Passes(Told(network), batch, squared, torch.Generator().manual_seed(5))


def value(name: str, passes: Passes):  # type: ignore[no-untyped-def]
    return STATISTICS[name].function(passes, Sizes())


def slope(levels: Tensor, values: np.ndarray) -> float:
    return float(np.polyfit(levels.double().numpy(), values, 1)[0])


@pytest.mark.parametrize("name", LEVELLED)
def test_absent_without_noise_levels(name: str) -> None:
    same = Passes(Told(without_norms()), Batch(images(), condition=torch.ones(6)), squared, torch.Generator())
    for passes in (look_at(without_norms()), look_at(mlp(), images(shape=(5,))), same):
        with pytest.raises(AbsentPass, match="told no noise levels"):
            value(name, passes)


def test_a_layer_without_bias_follows_its_input() -> None:
    x = images()
    passes = look(nn.Conv2d(3, 3, 1, bias=False), x)
    norms = passes.noise.layers[0].activation.flatten(1).double().norm(dim=1).numpy()
    (found,) = value("activation_by_noise", passes)
    assert float(found) == pytest.approx(slope(LEVELS, norms / norms.mean()), rel=1e-6) and float(found) > 0
    scaled = Told(nn.Conv2d(3, 3, 1, bias=False))  # in units of the mean: a factor on the weights changes nothing
    with torch.no_grad():
        scaled.inner.weight.copy_(7 * passes.network.inner.weight)  # type: ignore[union-attr, operator]
    again = Passes(scaled, Batch(x, condition=LEVELS), squared, torch.Generator().manual_seed(5))
    assert float(value("activation_by_noise", again)[0]) == pytest.approx(float(found), rel=1e-5)


def test_gradients_by_level() -> None:
    passes = look(without_norms())
    for layer, found in zip(passes.noise.layers, value("gradient_by_noise", passes)):
        norms = layer.gradient.flatten(1).double().norm(dim=1).numpy()
        assert float(found) == pytest.approx(slope(LEVELS, norms / norms.mean()), rel=1e-6)


def test_a_multiple_of_the_image_is_no_error() -> None:
    unit = nn.Conv2d(3, 3, 1, bias=False)
    with torch.no_grad():
        unit.weight.copy_(-0.3 * torch.eye(3)[:, :, None, None])
    passes = look(unit)
    assert float(value("identity_error", passes)) == pytest.approx(0, abs=1e-6)
    assert float(value("identity_error_by_noise", passes)) == pytest.approx(0, abs=1e-6)


def test_errors_of_the_identity_by_level() -> None:
    passes = look(without_norms())
    output, image = (v.detach().flatten(1).double().numpy() for v in (passes.noise.output, passes.inputs))
    cosines = (output * image).sum(1) / np.linalg.norm(output, axis=1) / np.linalg.norm(image, axis=1)
    assert float(value("identity_error", passes)) == pytest.approx((1 - cosines**2).mean(), rel=1e-6)
    assert float(value("identity_error_by_noise", passes)) == pytest.approx(slope(LEVELS, 1 - cosines**2), rel=1e-5)


def test_no_image_of_the_same_size_is_far_from_the_identity() -> None:
    with pytest.raises(AbsentPass, match="no image of the size that it takes"):
        value("identity_error", look(nn.Conv2d(3, 4, 1)))


def test_the_way_through_the_resolutions() -> None:
    down, up = nn.Conv2d(3, 3, 2, 2), nn.ConvTranspose2d(3, 3, 2, 2)
    network = nn.Sequential(nn.Conv2d(3, 3, 1), down, nn.Conv2d(3, 3, 2, 2), nn.Conv2d(3, 3, 1), up, nn.Conv2d(3, 3, 1))
    assert [float(v) for v in value("path", look(network))] == [-1, -1, 0, 0, 1, 1]
    assert [float(v) for v in value("path", look(nn.Sequential(up, nn.Conv2d(3, 3, 1))))] == [0, 0]


@pytest.mark.parametrize("code", ["16-11-111-00-00000", "16-11-111-01-11123"])
def test_diffusion_networks_have_all(code: str) -> None:
    space = SEARCH_SPACES["unet"]()
    record = collect_one(space, code, Collection(samples=16, statistics=LEVELLED, proxies=(), describe=False))
    assert not record.absent
    for name in LEVELLED:
        found = record.values[name]
        assert isinstance(found, list) == (STATISTICS[name].type is LayerScalar)
        assert all(v is not None and torch.isfinite(v) for v in (found if isinstance(found, list) else [found]))
    ways = [float(v) for v in record.values["path"]]  # type: ignore[union-attr, arg-type]
    assert ways == sorted(ways) and {-1.0, 0.0, 1.0} == set(ways)
    assert 0 < float(record.values["identity_error"]) <= 1  # type: ignore[arg-type]

"""Layer reducers against loops over the layers that are there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gpproxy.primitives import PRIMITIVES


def f(name: str):  # type: ignore[no-untyped-def]
    return PRIMITIVES[name].function


def slope(values: np.ndarray, depths: np.ndarray) -> float:
    return float(np.polyfit(depths, values, 1)[0]) if len(values) > 1 else 0.0


LOOPS = {
    "sum": lambda v, d: v.sum(),
    "mean": lambda v, d: v.mean(),
    "min": lambda v, d: v.min(),
    "max": lambda v, d: v.max(),
    "median": lambda v, d: np.median(v),
    "std": lambda v, d: v.std(),
    "slope": slope,
    "first": lambda v, d: v[0],
    "last": lambda v, d: v[-1],
}
REGIONS = {
    "layers": lambda d: np.full(d.shape, True),
    "early": lambda d: d < 1 / 3 - 1e-9,
    "middle": lambda d: (d > 1 / 3 - 1e-9) & (d < 2 / 3 + 1e-9),
    "late": lambda d: d > 2 / 3 + 1e-9,
}


def table(seed: int, layers: int = 9) -> tuple[torch.Tensor, torch.Tensor]:
    """Five architectures of different depth: with gaps, with one layer, with none."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(5, layers, generator=generator, dtype=torch.float64)
    depth = torch.full((5, layers), torch.nan, dtype=torch.float64)
    for a, count in enumerate((layers, 7, 4, 1)):
        depth[a, :count] = torch.linspace(0, 1, count, dtype=torch.float64)
    depth[1, [1, 4]] = torch.nan
    return x.masked_fill(depth.isnan(), 0.0), depth


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("kind", LOOPS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_reducer(kind: str, region: str, seed: int) -> None:
    x, depth = table(seed)
    name = f"{kind}_{region}".replace("first_layers", "first_layer").replace("last_layers", "last_layer")
    result = f(name)(x, depth)
    for a in range(5):
        there = ~depth[a].isnan().numpy()
        values, depths = x[a].numpy()[there], depth[a].numpy()[there]
        inside = REGIONS[region](depths)
        expected = LOOPS[kind](values[inside], depths[inside]) if inside.any() else 0.0
        assert float(result[a]) == pytest.approx(expected, abs=1e-9)


def test_every_layer_is_in_exactly_one_third() -> None:
    for count in range(1, 40):
        depth = torch.linspace(0, 1, count, dtype=torch.float64).unsqueeze(0)
        one = torch.ones_like(depth)
        thirds = [float(f(f"sum_{region}")(one, depth)) for region in ("early", "middle", "late")]
        assert sum(thirds) == count
        if count > 1:
            assert thirds[0] == thirds[2]


def test_kernels_over_layers() -> None:
    _, depth = table(0)
    kernels = torch.randn(5, 9, 4, 4, generator=torch.Generator().manual_seed(3))
    kernels = (kernels + kernels.mT).masked_fill(depth.isnan()[..., None, None], 0.0)
    torch.testing.assert_close(f("sum_layers")(kernels, depth), kernels.sum(1))
    torch.testing.assert_close(f("mean_layers")(kernels, depth)[2], kernels[2, :4].mean(0))
    torch.testing.assert_close(f("last_layer")(kernels, depth)[1], kernels[1, 6])
    assert not f("sum_late")(kernels, depth)[4].any()


def test_weighted_mean_and_correlation() -> None:
    (x, depth), (y, _) = table(0), table(1)
    there = ~depth[1].isnan()
    a, b = x[1][there].numpy(), y[1][there].numpy()
    assert float(f("weighted_mean_layers")(x, y, depth)[1]) == pytest.approx(np.average(a, weights=np.abs(b)))
    assert float(f("correlation_layers")(x, y, depth)[1]) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert float(f("min_step_layers")(x, depth)[1]) == pytest.approx(np.diff(a).min())
    for name in ("weighted_mean_layers", "correlation_layers"):
        assert f(name)(x, y, depth)[4] == 0
    assert f("min_step_layers")(x, depth)[3:].tolist() == [0, 0]


def test_absent_layers_never_count() -> None:
    x, depth = table(0)
    dirty = x.masked_fill(depth.isnan(), 1e30)
    for primitive in PRIMITIVES.values():
        if primitive.over_layers:
            arity = len(primitive.signatures[0].inputs)
            clean, other = primitive.function(*[x] * arity, depth), primitive.function(*[dirty] * arity, depth)
            torch.testing.assert_close(clean, other, msg=primitive.name)

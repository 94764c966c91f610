"""Classical proxies as formulas of primitives, against the same numbers written out in plain torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.primitives.formula import value_of
from tests.primitives.test_coverage import CLASSICAL

N = 6
#: channels, side, fan_in of the layers.
LAYERS = ((4, 8, 27), (6, 4, 36), (3, 8, 54))


@pytest.fixture(scope="module")
def network() -> dict[str, list[Tensor]]:
    g = torch.Generator().manual_seed(0)

    def each(*names: str) -> list[Tensor]:
        shapes = {"map": lambda c, s, i: (N, c, s, s), "weight": lambda c, s, i: (c, i), "number": lambda c, s, i: ()}
        return [torch.randn(*shapes[names[0]](*layer), generator=g) for layer in LAYERS]

    found = {name: each("map") for name in ("activation", "gradient", "preactivation")}
    found["perturbed"] = [a + 0.01 * torch.randn(a.shape, generator=g) for a in found["activation"]]
    found |= {name: each("weight") for name in ("weight", "weight_gradient", "ones_gradient")}
    found["fan_in"] = [torch.tensor(float(i), dtype=torch.float64) for _, _, i in LAYERS]
    found["params"] = [torch.tensor(float(c * i), dtype=torch.float64) for c, _, i in LAYERS]
    codes = [(p > 0).float().flatten(1) for p in found["preactivation"]]
    found["agreement"] = [c @ c.T + (1 - c) @ (1 - c).T for c in codes]
    jacobian = torch.randn(N, 40, generator=g, dtype=torch.float64)
    found["input_gradient_correlation"] = [torch.corrcoef(jacobian)]
    return found


def expected(name: str, net: dict[str, list[Tensor]]) -> Tensor:
    pairs = list(zip(net["weight"], net["weight_gradient"], strict=True))
    if name == "params":
        return sum(w.numel() for w in net["weight"]) * torch.ones(())
    if name == "l2_norm":
        return sum(w.pow(2).sum().sqrt() for w in net["weight"])
    if name == "grad_norm":
        return sum(g.pow(2).sum().sqrt() for g in net["weight_gradient"])
    if name == "plain":
        return sum((w * g).sum() for w, g in pairs)
    if name == "snip":
        return sum((w * g).abs().sum() for w, g in pairs)
    if name == "synflow":
        return sum((w * g).abs().sum() for w, g in zip(net["weight"], net["ones_gradient"], strict=True)).log()
    if name == "fisher":
        found = torch.zeros(())
        for a, g, w in zip(net["activation"], net["gradient"], net["weight"], strict=True):
            per_channel = 0.5 * (a * g).sum((2, 3)).pow(2).mean(0)
            found = found + per_channel.unsqueeze(1).expand_as(w).sum()
        return found
    if name == "jacov":
        v = torch.linalg.eigvalsh(net["input_gradient_correlation"][0])
        return -(torch.log(v + 1e-5) + 1 / (v + 1e-5)).sum()
    if name == "nwot":
        return torch.linalg.slogdet(sum(net["agreement"]).double()).logabsdet
    if name == "zen, first term":
        return (net["activation"][-1] - net["perturbed"][-1]).abs().sum().log()
    if name == "MeCo":
        values = [torch.linalg.eigvalsh(torch.corrcoef(a[0].flatten(1).double())).min() for a in net["activation"]]
        return sum(values)
    if name == "EZNAS topprog":
        return torch.stack([p.pow(2).sum() for p in net["preactivation"]]).mean()
    raise AssertionError(name)


NAMES = (
    "params", "l2_norm", "grad_norm", "plain", "snip", "synflow", "fisher", "jacov", "nwot", "zen, first term", "MeCo",
    "EZNAS topprog",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_formula_equals_its_definition(name: str, network: dict[str, list[Tensor]]) -> None:
    got = value_of(CLASSICAL[name], network)
    loose = 2e-4 if name == "MeCo" else 1e-5  # MeCo: smallest eigenvalues in float32
    torch.testing.assert_close(got.double(), expected(name, network).double(), rtol=loose, atol=1e-6)

"""The share of a network that is seen, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpproxy.recording.seen import Seen
from gpproxy.search_spaces.batch import Batch
from gpproxy.statistics.passes import Passes
from tests.statistics.tiny import images, mlp, squared, with_norms, without_norms


class Recurrent(nn.Module):
    """A linear layer and an LSTM of some width, over the rows of an image."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.steps, self.last = nn.Linear(8, 8), nn.LSTM(8, width, batch_first=True), nn.Linear(width, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.steps(self.first(x[:, 0]))[0])[:, None]


class Scripted(nn.Module):
    """A convolution, and another that only TorchScript knows."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, padding=1)
        self.second = torch.jit.trace(nn.Conv2d(3, 3, 3, padding=1), images())

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))


class Loose(nn.Module):
    """Parameters of every kind that is no weight of a layer, and some without any effect."""

    def __init__(self) -> None:
        super().__init__()
        self.constant, self.bias, self.gain = (nn.Parameter(torch.randn(1, 4, 8, 8)) for _ in range(3))
        self.slope, self.norm, self.unused = nn.PReLU(4), nn.GroupNorm(2, 4), nn.Linear(50, 50)
        self.conv = nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.slope(self.norm(self.constant.expand(len(x), -1, -1, -1) + x.mean() + self.bias))
        return self.conv(h) * self.gain[:, :3]


def seen(network: nn.Module, backward: bool = True) -> Seen:
    inputs = (
        torch.randn(6, 5) if isinstance(network[0] if isinstance(network, nn.Sequential) else None, nn.Linear) else None
    )
    batch = Batch(images() if inputs is None else inputs)
    return Passes(network, batch, squared, torch.Generator().manual_seed(0), backward).seen


@pytest.mark.parametrize("backward", [True, False])
@pytest.mark.parametrize("make", [with_norms, without_norms, mlp, Loose])
def test_ordinary_networks_are_seen_whole(make: Callable[[], nn.Module], backward: bool):
    found = seen(make(), backward)
    assert found == Seen() and not found.told and not found.refused


@pytest.mark.parametrize("backward", [True, False])
def test_a_recurrent_layer_is_missed_by_its_name(backward):
    found = seen(Recurrent(4), backward)
    network = Recurrent(4)
    hidden = sum(p.numel() for p in network.steps.parameters())
    assert found.parameters == pytest.approx(1 - hidden / sum(p.numel() for p in network.parameters()))
    per_row = 4 * 4 * (8 + 4)  # four gates, on the input and on the state
    assert found.macs == pytest.approx((64 + 32) / (64 + 32 + per_row))
    assert found.told.startswith("Only ") and "steps (4)" in found.told and "less than half" in found.refused


def test_what_only_script_knows_is_missed():
    found = seen(Scripted())
    assert found.parameters == found.macs == 0.5 and not found.refused
    assert "second (2)" in found.told


def test_a_product_that_nobody_reads_is_missed_though_a_layer_follows():
    class Foreign(nn.Module):
        def __init__(self, product: Callable[[Tensor, Tensor], Tensor]) -> None:
            super().__init__()
            self.weight, self.last = nn.Parameter(torch.randn(5, 7)), nn.Linear(7, 4)
            self.product = product

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.product(x, self.weight).relu())

    batch = Batch(torch.randn(6, 5))
    product = torch.library.custom_op("gpproxy_test::product", lambda x, w: x @ w, mutates_args=(), schema=SCHEMA)
    product.register_autograd(backward, setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs))
    several = lambda x, w: torch.addbmm(x.new_zeros(len(x), 7), x[None], w[None])  # noqa: E731
    for one in (product, several):
        for backward_too in (True, False):
            found = Passes(Foreign(one), batch, squared, torch.Generator().manual_seed(0), backward_too).seen
            assert found.unseen == ("weight",) and found.parameters == 32 / 67, one


SCHEMA = "(Tensor x, Tensor w) -> Tensor"


def backward(context, gradient: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[no-untyped-def]
    x, w = context.saved_tensors
    return gradient @ w.T, x.T @ gradient


def test_what_runs_inside_vmap_is_missed():
    class Mapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.last = nn.Parameter(torch.randn(3, 3, 1, 1)), nn.Conv2d(3, 3, 1, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(torch.vmap(lambda one: F.conv2d(one[None], self.weight)[0])(x))

    found = seen(Mapped())
    assert found.unseen == ("weight",) and found.parameters == found.macs == 0.5


def test_shares_are_rounded_down_and_the_words_follow_them():
    assert Seen(0.99999, 1.0, ("a.b",)).told.startswith("99.9 % of the parameters and 100 % of")
    assert not Seen(0.99999, 1.0, ("a.b",)).refused
    assert Seen(0.89, 1.0, ("a.b",)).told.startswith("Only 89 %")
    many = Seen(0.4, 0.3, tuple(f"part{i}.weight" for i in range(9)))
    assert "part3 and 5 more" in many.told and many.refused.startswith("Only 40 %")


def test_parameters_of_functions_are_seen():
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3, 3, 3, 3))

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(x, self.weight / self.weight.norm(), padding=1)

    assert seen(Functional()) == Seen()

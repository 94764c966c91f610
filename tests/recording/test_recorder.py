"""The same function written in several ways gives the same layers; macs are those of torch's counter."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils import weight_norm as old_weight_norm
from torch.utils.flop_counter import FlopCounterMode

from gpproxy.recording.layer import Layer
from gpproxy.search_spaces.batch import Batch
from gpproxy.statistics.single_pass import Pass, backward, forward

N, SIDE = 4, 6


class Net(nn.Module):
    """A network whose forward is a function of itself and the input."""

    def __init__(self, call: Callable, **parts: nn.Module | nn.Parameter):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.call = call

    def forward(self, x: Tensor, *more: Tensor) -> Tensor:
        return self.call(self, x, *more)


def images(channels: int = 3, count: int = N) -> Tensor:
    return torch.randn(count, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def values(*shape: int, seed: int = 0) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) / math.sqrt(shape[-1]))


def look(network: nn.Module, *inputs: Tensor) -> Pass:
    batch = Batch(inputs if len(inputs) > 1 else inputs[0])
    with torch.enable_grad():
        record = forward(network, batch)
        return backward(record, record.output.square().mean())


def assert_alike(one: Pass, other: Pass) -> None:
    """Equal layers: values, gradients, weights, macs and attached rectifiers."""
    assert len(one.layers) == len(other.layers)
    assert one.macs == other.macs
    for a, b in zip(one.layers, other.layers):
        assert a.macs == b.macs and a.first == b.first
        for name in ("activation", "gradient", "inflow", "preactivation", "weight", "weight_gradient"):
            left, right = getattr(a, name), getattr(b, name)
            assert (left is None) == (right is None), name
            if left is not None:
                if "weight" in name:
                    left, right = left.flatten(1), right.flatten(1)
                torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-6)
    assert len(one.rectified) == len(other.rectified)
    for a, b in zip(one.rectified, other.rectified):
        torch.testing.assert_close(a.flatten(1).sort().values, b.flatten(1).sort().values, rtol=1e-4, atol=1e-6)


def pointwise(way: str, widths: tuple[int, ...]) -> Net:
    """ReLU networks of 1 x 1 convolutions and what computes the same."""
    weights = {f"w{i}": values(o, c, seed=i) for i, (c, o) in enumerate(zip(widths, widths[1:]))}

    def layer(net: nn.Module, i: int, x: Tensor) -> Tensor:
        weight = getattr(net, f"w{i}")
        return {
            "convolution": lambda: F.conv2d(x, weight[:, :, None, None]),
            "channels last": lambda: F.linear(x, weight),
            "tokens": lambda: F.linear(x, weight),
            "tokens first": lambda: F.linear(x, weight),
            "product": lambda: x @ weight.T,
            "left product": lambda: weight @ x,
            "bmm": lambda: torch.bmm(x, weight.T.expand(len(x), -1, -1)),
            "einsum": lambda: torch.einsum("bchw,oc->bohw", x, weight),
            "einsum with dots": lambda: torch.einsum("oc,...c->...o", weight, x),
            "tensordot": lambda: torch.tensordot(x, weight, dims=([3], [1])),
            "inner": lambda: torch.inner(x, weight),
            "linalg": lambda: torch.linalg.matmul(x, weight.T),
        }[way]()  # fmt: skip

    def call(net: nn.Module, x: Tensor) -> Tensor:
        image = x
        if way in ("channels last", "einsum with dots", "tensordot", "inner"):
            x = x.permute(0, 2, 3, 1)
        elif way in ("tokens", "product", "bmm", "linalg"):
            x = x.flatten(2).transpose(1, 2)
        elif way == "tokens first":
            x = x.flatten(2).permute(2, 0, 1)
        elif way == "left product":
            x = x.flatten(2)
        for i in range(len(widths) - 1):
            x = layer(net, i, F.relu(x) if i else x)
        if way in ("channels last", "einsum with dots", "tensordot", "inner"):
            return x.permute(0, 3, 1, 2)
        if way in ("tokens", "product", "bmm", "linalg"):
            x = x.transpose(1, 2)
        elif way == "tokens first":
            x = x.permute(1, 2, 0)
        return x.reshape(len(image), -1, SIDE, SIDE)

    return Net(call, **weights)


WAYS = (
    "channels last", "tokens", "tokens first", "product", "left product", "bmm", "einsum", "einsum with dots",
    "tensordot", "inner", "linalg",
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=2, max_size=4), st.sampled_from(WAYS))
def test_a_pointwise_convolution_is_a_linear_layer_on_the_channels(widths, way):
    widths = (3, *widths)
    one, other = (look(pointwise(kind, widths), images()) for kind in ("convolution", way))
    torch.testing.assert_close(one.output, other.output, rtol=1e-4, atol=1e-6)
    assert_alike(one, other)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from((1, 2, 4)), st.booleans(), st.integers(1, 3), st.sampled_from((1, 2, 3)))
def test_a_grouped_convolution_is_several(groups, transposed, kernel, dimensions):
    """Its values are theirs side by side."""
    x = torch.randn(N, 4, *(5,) * dimensions)
    kind = getattr(nn, f"Conv{'Transpose' if transposed else ''}{dimensions}d")
    whole = kind(4, 8, kernel, groups=groups)
    parts = []
    for weight, bias in zip(whole.weight.chunk(groups), whole.bias.chunk(groups)):
        part = kind(4 // groups, 8 // groups, kernel)
        part.weight, part.bias = nn.Parameter(weight.detach().clone()), nn.Parameter(bias.detach().clone())
        parts.append(part)
    several = Net(lambda net, x: torch.cat([p(c) for p, c in zip(net.parts, x.chunk(groups, 1))], 1),
                  parts=nn.ModuleList(parts))  # fmt: skip
    one, other = look(whole, x), look(several, x)
    (layer,) = one.layers
    assert sum(part.macs for part in other.layers) == layer.macs
    for name, axis in (("activation", 1), ("gradient", 1), ("inflow", 1), ("weight", 0), ("weight_gradient", 0)):
        joined = torch.cat([getattr(part, name) for part in other.layers], axis)
        torch.testing.assert_close(getattr(layer, name), joined, rtol=1e-4, atol=1e-6)


class Modulated(nn.Module):
    """A convolution whose weight is scaled and demodulated for each sample (Karras et al., 2020), by one grouped call
    or by one call per sample."""

    def __init__(self, grouped: bool, constant: bool = False, transposed: bool = False):
        super().__init__()
        self.weight = values(5, 3, 3, 3)
        self.style = nn.Parameter(torch.ones(3), requires_grad=False) if constant else values(3, 3, seed=2)
        self.grouped, self.constant, self.transposed = grouped, constant, transposed

    def weights(self, x: Tensor) -> Tensor:
        style = self.style.expand(len(x), 3) if self.constant else 1 + x.mean((2, 3)) @ self.style
        weight = self.weight * style[:, None, :, None, None]
        return weight * (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()

    def forward(self, x: Tensor) -> Tensor:
        weights = self.weights(x)
        if not self.grouped:
            return torch.cat([F.conv2d(one[None], weight, padding=1) for one, weight in zip(x, weights)])
        folded = x.reshape(1, -1, *x.shape[2:])
        if self.transposed:
            weights = weights.transpose(1, 2).flip(3, 4)
            made = F.conv_transpose2d(folded, weights.flatten(0, 1), padding=1, groups=len(x))
        else:
            made = F.conv2d(folded, weights.flatten(0, 1), padding=1, groups=len(x))
        return made.reshape(len(x), -1, *x.shape[2:])


@pytest.mark.parametrize("transposed", [False, True])
def test_a_modulated_convolution_is_one_convolution_per_sample(transposed):
    one, other = look(Modulated(True, transposed=transposed), images()), look(Modulated(False), images())
    torch.testing.assert_close(one.output, other.output, rtol=1e-4, atol=1e-6)
    (style, layer), (_, *parts) = one.layers, other.layers
    assert layer.macs == 5 * 3 * 9 * SIDE**2 and len(parts) == N and style.kind == "contraction"
    torch.testing.assert_close(layer.activation, one.output)
    torch.testing.assert_close(layer.inflow, images())
    assert layer.gradient.shape == layer.activation.shape
    sums = sum(part.weight_gradient for part in parts)
    found = layer.weight_gradient.flip(2, 3) if transposed else layer.weight_gradient
    torch.testing.assert_close(found, sums, rtol=1e-4, atol=1e-6)
    assert "weight" in layer.sources


def test_a_convolution_modulated_by_a_constant_is_a_plain_one():
    modulated = Modulated(True, constant=True)
    plain = nn.Conv2d(3, 5, 3, padding=1, bias=False)
    plain.weight.data = modulated.weights(images()[:1])[0].detach()
    assert_alike(look(modulated, images()), look(plain, images()))


ACTIVATIONS = (
    (nn.ReLU(), F.relu, torch.relu_), (nn.LeakyReLU(0.2), lambda x: F.leaky_relu(x, 0.2), None),
    (nn.ReLU6(), F.relu6, None), (nn.ELU(), F.elu, None), (nn.SELU(), torch.selu, torch.selu_),
    (nn.CELU(), torch.celu, torch.celu_), (nn.GELU(), F.gelu, None), (nn.SiLU(), F.silu, None),
    (nn.Mish(), F.mish, None), (nn.Softplus(), F.softplus, None), (nn.Hardswish(), F.hardswish, None),
    (nn.ReLU(), lambda x: x.clamp(min=0), lambda x: x.clamp_(min=0)), (nn.ReLU(), Tensor.relu, Tensor.relu_),
    (nn.ReLU(), lambda x: torch.clamp_min(x, 0), None), (nn.Threshold(0, 0), F.relu, torch.relu_),
    (nn.ReLU(), lambda x: F.threshold(x, threshold=0.0, value=0.0), lambda x: F.threshold_(x, 0, 0)),
    (nn.ReLU(), lambda x: torch.maximum(x, torch.tensor(0.0)), None), (nn.ReLU(), lambda x: x * (x > 0), None),
    (nn.SiLU(), lambda x: x * torch.sigmoid(x), lambda x: x.mul_(x.sigmoid())),
    (nn.SiLU(), lambda x: x.sigmoid() * x, None),
    (nn.ReLU(), lambda x: torch.where(x > 0, x, 0), lambda x: x.masked_fill_(x < 0, 0)),
    (nn.ReLU(), lambda x: torch.where(x >= 0, x, torch.zeros_like(x)), lambda x: (x.__setitem__(x <= 0, 0), x)[1]),
    (nn.ReLU(), lambda x: torch.where(x < 0, 0.0, x), None),
    (nn.ReLU(), lambda x: x.where(x.gt(0), x.new_zeros(1)), None),
    (nn.ReLU(), lambda x: torch.where(~(x > 0), torch.zeros(()), x), None),
    (nn.ReLU(), lambda x: torch.where(condition=0 < x, input=x, other=torch.full_like(x, 0)), None),
    (nn.ReLU(), lambda x: x.where(condition=x > 0, other=0), None),
    (nn.ReLU(), lambda x: x.masked_fill(x <= 0, 0), None),
    (nn.ReLU(), lambda x: torch.masked_fill(x, mask=torch.less(x, 0), value=torch.zeros(())), None),
    (nn.ReLU(), lambda x: x.masked_fill(torch.logical_not(x > 0), value=0), None),
    (nn.ReLU(), lambda x: x * (x > 0).float(), lambda x: x.mul_((x > 0).to(x.dtype))),
    (nn.ReLU(), lambda x: torch.max(torch.zeros_like(x), x), None),
    (nn.ReLU(), lambda x: torch.where(x > torch.zeros_like(x), x, 0), lambda x: x.mul_(x.gt(torch.tensor(0.0)))),
    (nn.ReLU(), lambda x: x * (0 < x), lambda x: x.mul_(torch.zeros(()) < x)),
    (nn.ReLU(), lambda x: x.masked_fill(torch.zeros_like(x) >= x, 0), None),
    (nn.ReLU(), lambda x: (x + x.abs()) / 2, None),
    (nn.ReLU(), lambda x: torch.abs(x).add(x) * 0.5, None),
    (nn.LeakyReLU(0.2), lambda x: torch.where(x > 0, x, 0.2 * x), None),
    (nn.LeakyReLU(0.2), lambda x: torch.where(x < 0, x.mul(0.2), x), None),
    (nn.LeakyReLU(0.2), lambda x: torch.where(x >= 0, x, x * torch.tensor(0.2)), None),
    (nn.LeakyReLU(0.2), lambda x: torch.maximum(x * 0.2, x), None),
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(ACTIVATIONS)))
def test_a_module_is_a_function_is_a_method_in_place_or_not(number):
    module, function, in_place = ACTIVATIONS[number]

    def network(act: Callable) -> nn.Module:
        first, last = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 3, 1)
        first.weight, last.weight = values(4, 3, 1, 1), values(3, 4, 1, 1)
        first.bias.data.zero_(), last.bias.data.zero_()
        return Net(lambda net, x: net.last(act(net.first(x))), first=first, last=last)

    def unassigned(x: Tensor) -> Tensor:
        in_place(x)
        return x

    plain = look(network(module), images())
    assert plain.layers[1].preactivation is not None and len(plain.rectified) == 1
    torch.testing.assert_close(plain.layers[1].preactivation, plain.layers[0].activation)
    for act in (function, in_place, unassigned if in_place else None):
        if act is not None:
            assert_alike(plain, look(network(act), images()))
    if "inplace" in vars(module):
        given = {nn.LeakyReLU: [0.2], nn.Threshold: [0, 0]}.get(type(module), [])
        loud = type(module)(*given, inplace=True)
        assert_alike(plain, look(network(loud), images()))


@pytest.mark.parametrize(
    "act",
    [
        lambda x: x * (x + 1).sigmoid(), lambda x: x * x, lambda x: x * (x > 1), lambda x: torch.maximum(x, -x),
        lambda x: torch.maximum(x, torch.ones(())), lambda x: F.threshold(x, 0.5, 0), lambda x: x.clamp(-1, 1),
        lambda x: torch.where(x > 0, x, 1), lambda x: torch.where(x > 1, x, 0), lambda x: torch.where(x > 0, 0, x),
        lambda x: torch.where(x < 0, x, 0), lambda x: torch.where(x > 0, x, -x),
        lambda x: torch.where(x > 0, x, -1 * x), lambda x: torch.where(x > 0, x, x.mul(-1)),
        lambda x: torch.where(x > 0, x, 0.2 * x.abs()), lambda x: torch.where(x + 1 > 0, x, 0), lambda x: x * (x < 0),
        lambda x: torch.where((x > 0).flip(0), x, 0), lambda x: torch.where(x > 0, x + 1, 0), lambda x: x * ~(x > 0),
        lambda x: torch.where(x < torch.zeros_like(x), x, 0), lambda x: torch.where(x > torch.ones_like(x), x, 0),
        lambda x: torch.where(torch.zeros_like(x) > x, x, 0), lambda x: torch.where(x > x.flip(0), x, 0),
        lambda x: torch.where(x > torch.zeros_like(x).sub_(1), x, 0),
        lambda x: x.masked_fill(x < 0, 1), lambda x: x.masked_fill(x > 0, 0), lambda x: x.masked_fill(x < -1, 0),
        lambda x: torch.where(x > 0, x, torch.zeros_like(x).add_(1)), lambda x: torch.maximum(x, 2 * x),
        lambda x: torch.where(x > 0, x.add_(1), 0), lambda x: torch.where(x > 0, x, torch.full_like(x, 1)),
        lambda x: torch.where((x > 0).logical_and_(x < 1), x, 0), lambda x: torch.where(x != 0, x, 0),
        lambda x: x + (x + 1).abs(), lambda x: x - x.abs(), lambda x: torch.add(x, x.abs(), alpha=2),
        lambda x: x.abs() + x.abs(), lambda x: x + x.abs().add_(1), lambda x: x.flip(0) + x.abs(),
        lambda x: torch.where(x > 0, x, (0.2 * x).mul_(2)), lambda x: x.where(x.new_ones(x.shape).bool(), 0),
    ],
)  # fmt: skip
def test_what_is_nearly_a_rectifier_is_none(act):
    record = look(Net(lambda net, x: net.last(act(net.first(x))), first=nn.Conv2d(3, 4, 1), last=nn.Conv2d(4, 3, 1)),
                  images())  # fmt: skip
    assert not record.rectified and all(layer.preactivation is None for layer in record.layers)


def test_in_place_through_a_view_changes_nothing_that_is_kept():
    def through(net: nn.Module, x: Tensor) -> Tensor:
        y = net.first(x)
        y.view(len(x), -1).relu_()
        return net.last(y)

    first, last = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 3, 1)
    record = look(Net(through, first=first, last=last), images())
    torch.testing.assert_close(record.layers[0].activation, first(images()))
    assert float(record.layers[0].activation.min()) < 0 <= float(record.layers[1].inflow.min())


@pytest.mark.parametrize("make", ["weight norm", "old weight norm", "computed", "slice", "shared"])
def test_where_a_weight_comes_from_makes_no_difference(make):
    """Two uses of one weight: parametrised, normalised the old way, computed, a slice of a fused one."""

    def network(kind: str) -> nn.Module:
        conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        conv.weight = values(3, 3, 3, 3)
        if kind == "slice":
            fused = values(9, 3, 3, 3, seed=5)
            fused.data[3:6] = conv.weight.data
            return Net(
                lambda net, x: F.conv2d(F.relu(F.conv2d(x, net.fused[3:6], None, 1, 1)), net.fused[3:6], None, 1, 1),
                fused=fused,
            )
        if kind == "weight norm":
            conv = parametrizations.weight_norm(conv)
        elif kind == "old weight norm":
            conv = old_weight_norm(conv)
        elif kind == "computed":
            conv = Scaled(conv.weight)
        return Net(lambda net, x: net.conv(F.relu(net.conv(x))), conv=conv)

    one, other = look(network("plain"), images()), look(network(make), images())
    assert [layer.first for layer in one.layers] == [True, False]
    assert_alike(one, other)


class Scaled(nn.Module):
    """A convolution whose weight is a product, as under an equalised learning rate (Karras et al., 2018)."""

    def __init__(self, weight: Tensor):
        super().__init__()
        self.weight = nn.Parameter(weight.detach() * 4)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * 0.25, None, 1, 1)


def attention(way: str, width: int = 8, heads: int = 2) -> nn.Module:
    """Self-attention over the pixels, written in three ways with equal weights."""
    torch.manual_seed(0)
    module = nn.MultiheadAttention(width, heads, batch_first=True)

    def by_hand(net: nn.Module, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        if way == "module":
            tokens = module(tokens, tokens, tokens, need_weights=False)[0]
        elif way == "module with weights":
            tokens = module(tokens, tokens, tokens)[0]
        else:
            parts = F.linear(tokens, module.in_proj_weight, module.in_proj_bias).chunk(3, -1)
            q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in parts)
            if way == "function":
                mixed = F.scaled_dot_product_attention(q, k, v)
            elif way == "einsum":
                scores = torch.einsum("bhid,bhjd->bhij", q, k) * (width // heads) ** -0.5
                mixed = torch.einsum("bhij,bhjd->bhid", scores.softmax(-1), v)
            else:
                mixed = (q @ k.transpose(-2, -1) * (width // heads) ** -0.5).softmax(-1) @ v
            tokens = module.out_proj(mixed.transpose(1, 2).flatten(2))
        return tokens.transpose(1, 2).reshape(x.shape)

    return Net(by_hand, module=module)


@pytest.mark.parametrize("way", ["module with weights", "function", "by hand", "einsum"])
def test_attention_is_two_linear_layers_and_two_products(way):
    one, other = look(attention("module"), images(8)), look(attention(way), images(8))
    torch.testing.assert_close(one.output, other.output, rtol=1e-4, atol=1e-6)
    tokens = SIDE**2
    assert one.macs == tokens * 4 * 8 * 8 + 2 * tokens * tokens * 8
    assert_alike(one, other)


def test_sequences_with_the_samples_in_the_second_axis_are_turned():
    torch.manual_seed(0)
    encoder = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    late = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)
    late.load_state_dict(encoder.state_dict())
    x = torch.randn(N, 7, 8)
    one = look(encoder, x)
    other = look(Net(lambda net, x: net.late(x.transpose(0, 1)).transpose(0, 1), late=late), x)
    assert_alike(one, other)


@pytest.mark.parametrize("width", [N, 2 * N])  # channels as many as samples, and not
def test_windows_go_through_torchs_attention_as_they_do_by_hand(width):
    """Attention in windows: the samples stand between tokens and windows while torch's module runs."""
    torch.manual_seed(0)
    module = nn.MultiheadAttention(width, 2, batch_first=True)
    module.in_proj_bias.data.zero_(), module.out_proj.bias.data.zero_()

    def call(net: nn.Module, x: Tensor, by_hand: bool) -> Tensor:
        tokens = x.unflatten(2, (3, 2)).unflatten(4, (3, 2)).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, width)
        if by_hand:
            q, k, v = (F.linear(tokens, w) for w in module.in_proj_weight.chunk(3))
            q, k, v = (y.unflatten(2, (2, -1)).transpose(1, 2) for y in (q, k, v))
            mixed = (q @ k.transpose(-2, -1) / (width // 2) ** 0.5).softmax(-1) @ v
            made = module.out_proj(mixed.transpose(1, 2).flatten(2))
        else:
            made = module(tokens, tokens, tokens, need_weights=False)[0]
        return made.reshape(len(x), 3, 3, 2, 2, -1).permute(0, 5, 1, 3, 2, 4).reshape(x.shape)

    whole, parts = (
        look(Net(lambda net, x, way=way: call(net, x, way), module=module), images(width)) for way in (0, 1)
    )
    assert whole.macs == parts.macs and len(parts.layers) == 4
    torch.testing.assert_close(whole.layers[-1].activation, parts.layers[-1].activation)
    torch.testing.assert_close(whole.layers[-1].inflow, parts.layers[-1].inflow)
    torch.testing.assert_close(whole.layers[-1].weight_gradient, parts.layers[-1].weight_gradient)
    fused = torch.cat([layer.activation for layer in parts.layers[:3]], 1)
    assert whole.layers[0].activation.shape == fused.shape == (N, 3 * width, 9, 4)
    torch.testing.assert_close(whole.layers[0].activation, fused)


@pytest.mark.parametrize("trivial", [True, False])
def test_what_makes_a_weight_is_no_layer(trivial):
    """An orthogonal weight is a product of matrices of its own."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(N, N), nn.ReLU(), nn.Linear(N, 3))
    made = parametrizations.orthogonal(network[0], use_trivialization=trivial).weight.detach().clone()
    plain = nn.Sequential(nn.Linear(N, N), nn.ReLU(), network[2])
    plain[0].weight.data, plain[0].bias.data = made, network[0].bias.data
    x = torch.randn(N, N)
    one, other = look(network, x), look(plain, x)
    assert_alike(one, other)
    assert len(one.layers) == 2 and not one.recorder.unseen


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("way", ["torch", "aten", "overload"])
def test_a_convolution_by_its_general_name_is_one(way, transposed):
    general = {"torch": torch.convolution, "aten": torch.ops.aten.convolution}.get(
        way, torch.ops.aten.convolution.default
    )
    weight = values(4, 4, 3, 3)
    rest = ([1, 1], [1, 1], [1, 1], transposed, [0, 0], 2)
    named = F.conv_transpose2d if transposed else F.conv2d
    weight.data = weight.data if transposed else weight.data[:, :2]
    one = look(Net(lambda net, x: general(x, net.weight, None, *rest), weight=weight), images(4))
    other = look(Net(lambda net, x: named(x, net.weight, padding=1, groups=2), weight=weight), images(4))
    assert_alike(one, other)


def test_complex_numbers_are_pairs_of_real_ones():
    """As in a layer that multiplies frequencies: channels of their own, and one multiplication per complex weight."""
    weight = nn.Parameter(torch.randn(3, 5, 6, 4, 2))

    def call(net: nn.Module, x: Tensor) -> Tensor:
        found = torch.einsum("bixy,ioxy->boxy", torch.fft.rfft2(x), torch.view_as_complex(net.weight))
        return torch.fft.irfft2(found, s=x.shape[-2:])

    record = look(Net(call, weight=weight), images())
    (layer,) = record.layers
    assert not any(value.is_complex() for value in (layer.activation, layer.gradient, layer.weight, layer.inflow))
    assert layer.activation.shape[:2] == (N, 240) and record.macs == 3 * 5 * 6 * 4
    plain = torch.autograd.grad(call(Net(call, weight=weight), images()).square().mean(), weight)[0]
    torch.testing.assert_close(layer.weight_gradient.norm(), plain.norm())


def upsampled(net: nn.Module, x: Tensor) -> Tensor:
    return F.pixel_shuffle(net.conv(F.interpolate(x, scale_factor=2)), 2)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...]]] = {
    "convolution": (lambda: nn.Conv2d(3, 4, 3, 2, 1, groups=1), (images(),)),
    "transposed": (lambda: nn.ConvTranspose2d(4, 8, 4, 2, 1, groups=2), (images(4),)),
    "1-D": (lambda: nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU(), nn.ConvTranspose1d(4, 2, 4, 2)), (images()[:, :, 0],)),
    "3-D": (lambda: nn.Sequential(nn.Conv3d(3, 4, 3), nn.ConvTranspose3d(4, 2, 2, 2)), (torch.randn(N, 3, 4, 5, 6),)),
    "tokens": (lambda: nn.Linear(6, 5), (images(),)),
    "embedding": (lambda: Net(lambda net, x, y: net.main(x) * net.table(y), main=nn.Linear(5, 4),
                              table=nn.Embedding(3, 4)), (torch.randn(N, 5), torch.tensor([0, 1, 2, 1]))),
    "attention": (lambda: attention("module"), (images(8),)),
    "encoder": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (torch.randn(N, 7, 8),)),
    "modulated": (lambda: Modulated(True), (images(),)),
    "shuffled": (lambda: Net(upsampled, conv=nn.Conv2d(3, 12, 3)), (images(),)),
    "fixed filter": (lambda: Net(lambda net, x: F.conv2d(net.conv(x), torch.ones(4, 1, 3, 3), groups=4),
                                 conv=nn.Conv2d(3, 4, 1)), (images(),)),
    "frames": (lambda: Net(lambda net, x: net.conv(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (len(x), -1)),
                           conv=nn.Conv2d(3, 4, 3)), (torch.randn(N, 3, 5, 6, 6),)),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_macs_are_those_of_torchs_counter(name):
    make, inputs = NETWORKS[name]
    network = make()
    record = look(network, *inputs)
    with FlopCounterMode(display=False) as counter, torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        network(*inputs)
    assert record.macs == counter.get_total_flops() / 2 / N
    for layer in record.layers:
        assert layer.activation.shape[0] == N == layer.gradient.shape[0]
        assert layer.activation.shape[1] == len(layer.weight)


def test_names_are_those_of_the_running_modules():
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.weight = nn.Conv2d(3, 3, 1), values(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return F.conv2d(self.conv(x), self.weight[:, :, None, None])

    record = look(nn.Sequential(Block(), Block()), images())
    assert [layer.name for layer in record.layers] == ["0.conv", "0", "1.conv", "1"]
    assert [layer.sources for layer in record.layers] == [
        ("0.conv.weight",), ("0.weight",), ("1.conv.weight",), ("1.weight",)
    ]  # fmt: skip


def test_a_learned_constant_stands_for_every_sample():
    """Its convolution is one computation for all samples."""
    network = Net(
        lambda net, x: F.conv2d(net.constant, net.weight) + net.last(x)[:, :, None, None],
        constant=values(1, 3, SIDE, SIDE), weight=values(4, 3, 1, 1), last=nn.Linear(5, 4),
    )  # fmt: skip
    record = look(network, torch.randn(N, 5))
    layer: Layer = record.layers[0]
    assert layer.activation.shape == (N, 4, SIDE, SIDE) == layer.gradient.shape
    assert torch.equal(layer.activation[0], layer.activation[1])
    made = F.conv2d(network.constant, network.weight).detach().requires_grad_()
    (made + network.last(torch.randn(N, 5))[:, :, None, None]).square().mean().backward()
    assert layer.gradient.sum(0).shape == made.grad.shape[1:]

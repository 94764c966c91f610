"""Every pass works where the plain one does, with the value of the same function written plainly, or says why not."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations, spectral_norm, weight_norm
from torch.utils.checkpoint import checkpoint

from gpproxy.primitives.types import LAYER_TYPES
from gpproxy.search_spaces.batch import Batch
from gpproxy.statistics.absent import AbsentPass
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.exact import exact
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import STATISTICS
from tests.statistics.tiny import LEVELLED, images, seeded_, with_norms

SIZES = Sizes(samples=4, channels=4, positions=2, fan_in=16)


def loss(outputs: Tensor, batch: Batch) -> Tensor:
    return outputs.square().mean()


def look(network: nn.Module, inputs: object = None) -> Passes:
    inputs = images(6) if inputs is None else inputs
    return Passes(network, Batch(inputs), loss, torch.Generator().manual_seed(5))


def everything(passes: Passes) -> dict[str, Tensor | str]:
    """All statistics and classical proxies, or the reasons of those that are absent."""
    found: dict[str, Tensor | str] = {}
    for name, statistic in ((name, one) for name, one in STATISTICS.items() if name not in LEVELLED):
        try:
            value = statistic.function(passes, SIZES)
            if statistic.type in LAYER_TYPES:
                value = torch.cat(
                    [v.double().flatten() for v in value if v is not None] or [torch.zeros(0, device="cpu")]
                )
            found[name] = value.detach().double()
        except AbsentPass as error:
            found[name] = str(error)
    for name, proxy in PROXIES.items():
        try:
            found[name] = torch.tensor(proxy.function(passes), dtype=torch.float64, device="cpu")
        except AbsentPass as error:
            found[name] = str(error)
    return found


def agree(network: nn.Module, plain: nn.Module, leave: tuple[str, ...] = (), tolerance: float = 1e-3) -> None:
    """Whether two ways to write a function look alike."""
    one, other = everything(look(network)), everything(look(plain))
    for name in one.keys() - set(leave):
        mine, its = one[name], other[name]
        assert isinstance(mine, Tensor) and isinstance(its, Tensor), (name, mine, its)
        assert mine.shape == its.shape, name
        assert torch.allclose(mine, its, rtol=tolerance, atol=1e-5, equal_nan=True), (name, mine, its)


# --- the same function, written as people write it and plainly


class Step(nn.Module):
    """A time embedding, in float32 in one of several ways, or in the type of what comes in."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.table = way, torch.linspace(0.5, 1, 4)
        self.first, self.time, self.last = nn.Conv2d(3, 6, 3, padding=1), nn.Linear(4, 6), nn.Conv2d(6, 3, 3, padding=1)
        self.relu = nn.ReLU()
        seeded_(self)

    def forward(self, x: Tensor) -> Tensor:
        table = torch.linspace(0.5, 1, 4, dtype=x.dtype)
        if self.way == "made":
            table = torch.linspace(0.5, 1, 4)
        elif self.way == "kept":
            table = self.table
        elif self.way == "asked":
            table = table.double().to(torch.float32)
        elif self.way == "method":
            table = table.float()
        elif self.way == "of whole numbers":
            table = torch.arange(3, 7).float() / 6
        steps = table.expand(len(x), 4)
        if self.way == "written":
            steps = torch.empty(len(x), 4)
            steps[:] = table
            steps.mul_(1.0)
        return self.last(self.relu(self.first(x) + self.time(steps)[:, :, None, None]))


class Swish(torch.autograd.Function):
    """As EfficientNet's code has it: no derivative in forward mode."""

    @staticmethod
    def forward(context, x):  # type: ignore[no-untyped-def, override]
        context.save_for_backward(x)
        return x * x.sigmoid()

    @staticmethod
    def backward(context, gradient):  # type: ignore[no-untyped-def, override]
        (x,) = context.saved_tensors
        s = x.sigmoid()
        return gradient * s * (1 + x * (1 - s))


class Once(Swish):
    """One that cannot be differentiated twice either."""

    backward = staticmethod(torch.autograd.function.once_differentiable(Swish.backward))


class Body(nn.Module):
    """Two convolutions around an activation, some of it checkpointed, or under autocast."""

    def __init__(self, activation: Callable[[Tensor], Tensor], way: str = "") -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 3, 3, padding=1)
        self.norm, self.activation, self.way = nn.BatchNorm2d(6), activation, way
        seeded_(self)

    def forward(self, x: Tensor) -> Tensor:
        if self.way.startswith("checkpoint"):
            h = checkpoint(lambda y: self.activation(self.norm(self.first(y))), x, use_reentrant="re" in self.way[10:])
        elif self.way == "autocast":
            with torch.autocast("cpu", torch.bfloat16):
                h = self.activation(self.norm(self.first(x)))
            h = h.float()
        else:
            h = self.activation(self.norm(self.first(x)))
        return self.last(h)


class Attention(nn.Module):
    """One head over the positions of an image, by torch's function or by hand."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.first, self.qkv, self.last = nn.Conv2d(3, 8, 2, 2), nn.Linear(8, 24), nn.ConvTranspose2d(8, 3, 2, 2)
        seeded_(self)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        q, k, v = self.qkv(h.flatten(2).transpose(1, 2)).chunk(3, -1)
        if self.fused:
            mixed = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        else:
            mixed = (q @ k.transpose(1, 2) / math.sqrt(8)).softmax(-1) @ v
        return self.last(mixed.transpose(1, 2).reshape(h.shape) + h)


@pytest.mark.parametrize("way", ["made", "kept", "asked", "method", "of whole numbers", "written"])
def test_tensors_of_another_type_made_inside(way: str) -> None:
    agree(Step(way), Step("plain"))


@pytest.mark.parametrize("way", ["checkpoint", "checkpoint re"])
def test_checkpointing(way: str) -> None:
    agree(Body(nn.ReLU(), way), Body(nn.ReLU()))


#: What follows a custom Function is not seen as fed by a rectifier, so these have no value.
RECTIFIED = ("preactivation", "agreement", "nwot", "swap", *(name for name in PROXIES if name.startswith("autogas")))


def test_functions_without_forward_mode() -> None:
    agree(Body(Swish.apply), Body(nn.SiLU()), leave=(*RECTIFIED, "meco"))


class Learned(nn.Module):
    """A leaky rectifier whose slopes are parameters, one per channel, by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((6,), 0.25))

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x > 0, x, self.weight[:, None, None] * x)


class Written(nn.Module):
    """A function as a module: `meco` counts modules."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def zeroed(x: Tensor) -> Tensor:
    x[x < 0] = 0
    return x


#: Rectifiers by hand, and torch's of the same function.
BY_HAND: dict[str, tuple[Callable[[Tensor], Tensor], nn.Module]] = {
    "where": (lambda x: torch.where(x > 0, x, 0), nn.ReLU()),
    "where zeros": (lambda x: torch.where(x >= 0, x, torch.zeros_like(x)), nn.ReLU()),
    "where below": (lambda x: torch.where(x < 0, torch.zeros(()), x), nn.ReLU()),
    "where leaky": (lambda x: torch.where(x > 0, x, 0.2 * x), nn.LeakyReLU(0.2)),
    "larger leaky": (lambda x: torch.maximum(x, 0.2 * x), nn.LeakyReLU(0.2)),
    "where learned": (Learned(), nn.PReLU(6)),
    "filled": (lambda x: x.masked_fill(x < 0, 0), nn.ReLU()),
    "filled in place": (lambda x: x.masked_fill_(x <= 0, 0), nn.ReLU()),
    "set": (zeroed, nn.ReLU()),
    "mask": (lambda x: x * (x > 0).to(x.dtype), nn.ReLU()),
}


@pytest.mark.parametrize("way", BY_HAND)
def test_rectifiers_by_hand(way: str) -> None:
    by_hand, module = BY_HAND[way]
    agree(Body(by_hand if isinstance(by_hand, nn.Module) else Written(by_hand)), Body(module))


def test_attention() -> None:
    agree(Attention(True), Attention(False), leave=("total_macs", *RECTIFIED))


@pytest.mark.parametrize("wrap", [weight_norm, parametrizations.weight_norm])
def test_weight_norm_is_no_change(wrap: Callable) -> None:
    network = Body(nn.ReLU())
    plain = copy.deepcopy(network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrap(network.first), wrap(network.last)
    agree(network, plain, leave=("total_params", "params", "zen"))


@pytest.mark.parametrize("wrap", [spectral_norm, parametrizations.spectral_norm])
def test_spectral_norm_has_the_weights_of_its_pass(wrap: Callable) -> None:
    network = Body(nn.ReLU())
    torch.manual_seed(0)
    wrap(network.first), wrap(network.last)
    passes, plain = look(network), Body(nn.ReLU())
    with torch.no_grad():
        plain.first.weight.copy_(passes.noise.layers[0].weight), plain.last.weight.copy_(passes.noise.layers[1].weight)
    agree(network, plain, leave=("total_params", "params", "zen", "total_macs"))


def test_compiled_networks() -> None:
    plain = Body(nn.ReLU())
    agree(torch.compile(copy.deepcopy(plain), backend="eager"), plain)  # type: ignore[arg-type]


def test_lazy_layers_are_given_weights_of_the_seed() -> None:
    lazy = nn.Sequential(
        nn.LazyConv2d(6, 3, padding=1), nn.LazyBatchNorm2d(), nn.ReLU(), nn.LazyConv2d(3, 3, padding=1)
    )
    passes = look(lazy)
    torch.manual_seed(3)
    made = copy.deepcopy(passes.network)
    agree(lazy, made)
    assert type(lazy[0]) is nn.LazyConv2d and type(made[0]) is nn.Conv2d and not made[1].running_mean.any()


def test_inference_mode() -> None:
    with torch.inference_mode():
        network, inputs = Body(nn.ReLU()), images(6)
        one = everything(look(network, inputs))
    other = everything(look(Body(nn.ReLU())))
    assert all(torch.allclose(one[n], other[n], equal_nan=True) for n in other)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_added_up_in_float32(dtype: torch.dtype) -> None:
    found = everything(look(Body(nn.ReLU()).to(dtype), images(6).to(dtype)))
    plain = everything(look(Body(nn.ReLU())))
    for name, value in found.items():
        assert isinstance(value, Tensor) and bool(torch.isfinite(value).all()), (name, value)
    near = (
        "activation",
        "channel_std",
        "layer_snip",
        "layer_grad_norm",
        "layer_synflow",
        "jacobian_gram",
        "output_gram",
    )
    for name in (*near, "agreement", "weight", "initial_loss", "snip"):
        one, other = found[name], plain[name]
        assert isinstance(one, Tensor) and isinstance(other, Tensor)
        assert float((one - other).norm() / other.norm()) < 0.05, name


def test_autocast_inside_and_outside() -> None:
    inside, plain = everything(look(Body(nn.ReLU(), "autocast"))), everything(look(Body(nn.ReLU())))
    assert all(isinstance(value, Tensor) and bool(torch.isfinite(value).all()) for value in inside.values())
    assert float((inside["layer_snip"] - plain["layer_snip"]).norm() / plain["layer_snip"].norm()) < 0.05  # type: ignore[operator, union-attr]
    with torch.autocast("cpu", torch.bfloat16):
        outside = look(Body(nn.ReLU()))
        outputs = [outside.noise.output, outside.perturbed.output, outside.ones.output, outside.jacobian]
    alone = look(Body(nn.ReLU()))
    for one, other in zip(outputs, [alone.noise.output, alone.perturbed.output, alone.ones.output, alone.jacobian]):
        assert torch.equal(one, other)


# --- what cannot be had


class Labelled(nn.Module):
    """An image of a class number, whose noise it draws itself."""

    def __init__(self) -> None:
        super().__init__()
        self.names, self.last = nn.Embedding(5, 4), nn.ConvTranspose2d(8, 3, 8)
        self.relu = nn.ReLU()
        seeded_(self)

    def forward(self, label: Tensor) -> Tensor:
        code = torch.cat([self.names(label), torch.randn(len(label), 4)], 1)
        return self.last(self.relu(code)[:, :, None, None])


#: What moves the input, differentiates by it or replaces it.
MOVED = ("perturbed", "ones_gradient", "layer_synflow", "jacobian_gram", "input_gradient_correlation")


def test_whole_numbers_cannot_be_moved_but_the_rest_goes_on() -> None:
    found = everything(look(Labelled(), torch.arange(6) % 5))
    for name in (*MOVED, "jacov", "synflow", "logsynflow", "zen", "meco"):
        assert "inputs are whole numbers, which cannot be moved" in str(found[name]), (name, found[name])
    for name in ("activation", "gradient", "layer_snip", "initial_loss", "nwot", "output_gram", "snip", "grasp"):
        assert isinstance(found[name], Tensor) and bool(torch.isfinite(found[name]).all()), name  # type: ignore[arg-type]


def test_labels_beside_noise_are_taken_along() -> None:
    class Both(Labelled):
        def forward(self, z: Tensor, label: Tensor) -> Tensor:  # type: ignore[override]
            return self.last(self.relu(torch.cat([self.names(label), z], 1))[:, :, None, None])

    batch = Batch(torch.randn(6, 4), condition=torch.arange(6) % 5)
    found = everything(Passes(Both(), batch, loss, torch.Generator().manual_seed(5)))
    told = {name: value for name, value in found.items() if not isinstance(value, Tensor)}
    assert told.keys() == {"preactivation", "agreement", "az_progressivity"} and "no rectifier" in str(
        told
    )  # it stands before no layer
    for name in (*MOVED, "synflow", "ntk"):
        assert bool(torch.isfinite(found[name]).all()), (name, found[name])  # type: ignore[arg-type]


def test_what_has_no_second_derivative_says_so() -> None:
    found = everything(look(Body(Once.apply)))
    pass_of = {"jacobian_gram": "Jacobian pass", "grasp": "pass of grasp"}
    for name, value in found.items():
        if name in pass_of:
            rule = f"does not allow the {pass_of[name]}: RuntimeError: a part of it is marked once_differentiable."
            assert rule in str(value), (name, value)
        elif name not in RECTIFIED:
            assert isinstance(value, Tensor), (name, value)


def test_a_lack_of_memory_is_no_property_of_a_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = look(Body(nn.ReLU()))
    monkeypatch.setattr(torch.autograd, "grad", lambda *given, **named: 1 / 0)
    with pytest.raises(AbsentPass, match="the pass of input gradients: ZeroDivisionError: division by zero"):
        _ = passes.input_gradient
    monkeypatch.undo()
    with pytest.raises(AbsentPass, match="division by zero"):  # it is not tried again
        _ = passes.input_gradient

    def full(*given: object, **named: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    passes = look(Body(nn.ReLU()))
    monkeypatch.setattr(torch.autograd, "grad", full)
    with pytest.raises(RuntimeError, match="allocate memory"):
        _ = passes.input_gradient


def test_values_beyond_float64_are_told() -> None:
    deep = nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(10)))
    with torch.no_grad():
        for layer in deep:
            layer.weight.fill_(1e35)
    with pytest.raises(AbsentPass, match="leave the range of float64"):
        _ = look(deep).ones


# --- where tensors are made


@pytest.fixture
def elsewhere():
    """Another device is the default: what is made without a device is made where no number is kept."""
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)


@pytest.fixture(scope="module")
def looked_at_here() -> dict[str, dict[str, Tensor | str]]:
    return {name: everything(look(network)) for name, network in PLACED.items()}


PLACED = {
    "norms": with_norms(),
    "attention": Attention(True),
    "plain": Body(nn.ReLU()),
    "function without forward mode": Body(Swish.apply),
}


@pytest.mark.parametrize("name", PLACED)
def test_a_look_does_not_rest_on_the_default_device(name: str, looked_at_here, elsewhere) -> None:
    """As on a GPU whose caller has made the CPU the default, or the other way round: all values equal, bit for bit."""
    found = everything(look(PLACED[name], looked_at := images(6)))
    assert looked_at.device.type == "cpu" and found.keys() == looked_at_here[name].keys()
    for what, value in looked_at_here[name].items():
        if isinstance(value, Tensor):
            assert torch.equal(torch.nan_to_num(found[what], 7), torch.nan_to_num(value, 7)), what
        else:
            assert found[what] == value


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", PLACED)
def test_a_look_on_a_gpu_stays_there(name: str, looked_at_here) -> None:
    with exact():
        passes = look(copy.deepcopy(PLACED[name]).cuda(), images(6).cuda())
        assert passes.noise.output.is_cuda and all(layer.activation.is_cuda for layer in passes.noise.layers)
        found = everything(passes)
    for what in ("activation", "gradient", "layer_snip", "inflow_entropy", "total_macs"):
        assert torch.allclose(found[what].cpu(), looked_at_here[name][what], rtol=1e-3, atol=1e-5), what

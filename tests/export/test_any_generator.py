"""A proxy.py takes what the engine takes, with equal scores; neither order nor company changes any."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from gpproxy.export import runtime
from gpproxy.export.engine_value import engine_value
from gpproxy.export.write import source
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse
from gpproxy.primitives import PRIMITIVES
from gpproxy.search_spaces import ChoiceSpace
from gpproxy.search_spaces.batch import Batch
from gpproxy.seeds import seeded
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.observe import look_at
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import STATISTICS
from tests.statistics.test_any_generator import BY_HAND, Attention, Body, Labelled, Step, Swish
from tests.statistics.test_denoising import LEVELS, Told
from tests.statistics.test_undisturbed import Random
from tests.statistics.tiny import images, seeded_

GRAMMAR = Grammar({s.name: s.type for s in STATISTICS.values()})
SIZES = Sizes(samples=4, channels=4, positions=2, fan_in=16)
#: Every pass there is.
ALL = (
    "mean_layers(mean(activation)) + mean_layers(mean(perturbed)) + median_layers(layer_snip) + "
    "log(sum_layers(layer_synflow)) + trace(jacobian_gram) + mean(input_gradient_correlation) + code_entropy"
)
FORWARD = "mean_layers(mean(activation)) + mean_layers(mean(perturbed))"


def squared(outputs: Tensor, batch: Batch) -> Tensor:
    return outputs.square().mean()


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ModuleType]:
    made: dict[str, ModuleType] = {}

    def load(text: str) -> ModuleType:
        if text not in made:
            path = tmp_path_factory.mktemp("proxies") / f"proxy{len(made)}.py"
            path.write_text(source(parse(text, GRAMMAR), space="x", sizes=SIZES, loss=squared), encoding="utf-8")
            spec = importlib.util.spec_from_file_location(path.stem, path)
            assert spec is not None and spec.loader is not None
            made[text] = module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        return made[text]

    return load


def engine(text: str, network: nn.Module, inputs: object, output: object = None) -> tuple[float, str]:
    batch = Batch(inputs, output=output)  # type: ignore[arg-type]
    with runtime.untrained(network) as ready:
        return engine_value(parse(text, GRAMMAR), Passes(ready, batch, squared, seeded("x", 0, "probes")), SIZES)


class Several(nn.Module):
    """An encoder and decoder of dicts, with labels."""

    def __init__(self) -> None:
        super().__init__()
        self.names, self.first, self.last = nn.Embedding(4, 6), nn.Conv2d(3, 6, 3, 2, 1), nn.ConvTranspose2d(6, 3, 2, 2)
        self.relu = nn.ReLU()
        seeded_(self)

    def forward(self, image: Tensor, label: Tensor, detailed: bool = False) -> dict[str, Tensor]:
        code = self.relu(self.first(image)) + self.names(label)[:, :, None, None]
        made = self.last(code)
        return {"code": code, "image": made, "larger": made.repeat_interleave(2, -1)} if detailed else {"image": made}


@dataclass
class Given:
    image: Tensor
    label: Tensor


class OfOne(Several):
    def forward(self, given: Given) -> dict[str, Tensor]:  # type: ignore[override]
        return super().forward(given.image, given.label)


LABELS = torch.arange(6) % 4


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        (seeded_(Random()), images(6)),
        (Step("made"), images(6)),
        (Body(Swish.apply), images(6)),
        (Attention(True), images(6)),
        (Body(nn.ReLU(), "checkpoint"), images(6)),
        (Body(nn.ReLU()).bfloat16(), images(6).bfloat16()),
        (Several(), {"image": images(6), "label": LABELS}),
        (torch.compile(Body(nn.ReLU()), backend="eager"), images(6)),
    ],
    ids=["random", "types", "function", "attention", "checkpoint", "half", "several", "compiled"],
)
def test_scores_equal_the_engine(network: nn.Module, inputs: object, load) -> None:
    found, (expected, reason) = load(ALL).score(network, inputs), engine(ALL, network, inputs)
    assert not reason and found == pytest.approx(expected, rel=1e-6)
    assert load(ALL).score(network, inputs) == found


@pytest.mark.parametrize("way", ["where zeros", "where leaky", "where learned", "filled in place"])
def test_rectifiers_by_hand_are_those_of_torch(way: str, load) -> None:
    text, (by_hand, module) = f"{ALL} + sum_layers(mean(preactivation)) + logdet(sum_layers(agreement))", BY_HAND[way]
    found = load(text).score(Body(by_hand), images(6))
    assert found == pytest.approx(load(text).score(Body(module), images(6)), rel=1e-4)
    assert found == pytest.approx(engine(text, Body(by_hand), images(6))[0], rel=1e-6)


@pytest.mark.parametrize("frozen", ["nothing", "all", "a part"])
def test_what_is_frozen_as_a_whole_is_scored_as_if_it_were_not(frozen: str, load) -> None:
    """A part that is frozen, such as a fixed filter, has no gradients, in a file as in a search."""

    def build(frozen: str) -> nn.Module:
        network = nn.Sequential(nn.Linear(6, 32), nn.Unflatten(1, (2, 4, 4)), nn.ReLU(), nn.Conv2d(2, 3, 1))
        (network if frozen == "all" else network[0]).requires_grad_(frozen == "nothing")
        return network

    space = ChoiceSpace({"frozen": ("nothing", "all", "a part")}, build, inputs=6, loss=squared)
    how = Collection(samples=6, statistics=("layer_snip",), sizes=SIZES, describe=False)
    passes = look_at(space, frozen, how)
    values = [float(v) for v in STATISTICS["layer_snip"].function(passes, SIZES)]
    assert (values[0] == 0) == (frozen == "a part") and values[1] > 0
    network = space.build(space.decode(frozen), seeded(space.name, frozen, 0, "weights"))
    before = [parameter.requires_grad for parameter in network.parameters()]
    found = load("sum_layers(layer_snip)").score(network, passes.inputs)
    assert found == pytest.approx(sum(values), rel=1e-6)
    assert before == [parameter.requires_grad for parameter in network.parameters()]


def test_networks_that_are_told_a_noise_level(load) -> None:
    text = "sum_layers(path * activation_by_noise) + mean_layers(gradient_by_noise) + identity_error_by_noise"
    network, inputs = Told(nn.Sequential(nn.Conv2d(3, 4, 2, 2), nn.ConvTranspose2d(4, 3, 2, 2))), (images(6), LEVELS)
    found, (expected, reason) = load(text).score(network, inputs), engine(text, network, inputs)
    assert not reason and found == pytest.approx(expected, rel=1e-6) and found != 0
    with pytest.raises(ValueError, match="told no noise levels"):
        load(text).score(Body(nn.ReLU()), images(6))


def test_inputs_come_in_every_form_and_the_image_by_its_name(load) -> None:
    module, (several, one) = load(FORWARD), (Several(), OfOne())
    one.load_state_dict(several.state_dict())
    score = module.score(several, {"image": images(6), "label": LABELS})
    for network, inputs in (
        (several, (images(6), LABELS)),
        (several, [images(6), LABELS]),
        (one, Given(images(6), LABELS)),
    ):
        assert module.score(network, inputs) == score
    detailed = {"image": images(6), "label": LABELS, "detailed": True}
    with pytest.raises(ValueError, match="which of them is the image cannot be told: 'code'.* Name it"):
        module.score(several, detailed)
    assert module.score(several, detailed, output="image") == score
    assert module.score(several, detailed, output=lambda made: made["image"]) == score
    text = "initial_loss"
    assert load(text).score(several, detailed, output="image") == engine(text, several, detailed, "image")[0]
    assert load(text).score(several, detailed, output="larger") == pytest.approx(
        engine(text, several, detailed, "larger")[0]
    )


def test_a_pass_that_is_missing_is_told_and_others_are_not_needed(load) -> None:
    network, labels = Labelled(), torch.arange(6) % 5
    assert isinstance(load("median_layers(layer_snip)").score(network, labels), float)
    with pytest.raises(ValueError, match="does not allow the Jacobian pass: its inputs are whole numbers"):
        load("trace(jacobian_gram)").score(network, labels)


def shuffled(scores: int, score: Callable[[int], float]) -> None:
    """Whether that many scores of eight networks in random order are eight different numbers."""
    rng, found = random.Random(0), {}
    for step in range(scores):
        torch.manual_seed(step), random.seed(step)
        number = rng.randrange(8)
        value = score(number)
        assert found.setdefault(number, value) == value
    assert len(set(found.values())) == len(found)


def dropping(number: int) -> nn.Module:
    part = [nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.Dropout(0.4)]
    return seeded_(nn.Sequential(*part, nn.Conv2d(3, 3, 1), nn.Dropout2d(0.2), nn.Conv2d(3, 3, 1)), number)


def test_scores_repeat_in_any_order(load, scores: int = 40) -> None:
    """Bit for bit, with other formulas in between."""
    texts = (FORWARD, "median_layers(layer_snip)", "trace(jacobian_gram)")
    networks, others = [dropping(i) for i in range(8)], random.Random(1)
    for text in texts:

        def in_file(number: int, text: str = text) -> float:
            load(others.choice(texts)).score(networks[others.randrange(8)], images(6))
            return load(text).score(networks[number], images(6))

        shuffled(scores // 2, in_file)
        shuffled(scores // 2, lambda number, text=text: engine(text, networks[number], images(6))[0])  # type: ignore[misc]


def test_other_processes_draw_alike(load, tmp_path: Path) -> None:
    file = load(FORWARD).__file__
    assert file is not None
    code = (
        "import sys, importlib.util, torch; from torch import nn; torch.rand(7)\n"
        "torch.set_num_threads(torch.get_num_threads() + 1)\n"
        f"spec = importlib.util.spec_from_file_location('proxy', {file!r})\n"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
        "net, images = torch.load(sys.argv[1], weights_only=False)\n"
        "print(repr(module.score(net, images)))"
    )
    torch.save((dropping(0), images(6)), tmp_path / "net.pt")
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "net.pt")], capture_output=True, text=True, check=True
    )
    assert float(out.stdout) == load(FORWARD).score(dropping(0), images(6))


def test_a_formula_is_computed_on_the_device_of_the_generator() -> None:
    """With tensors that stand for those of a GPU: what is mixed with the CPU raises."""
    with FakeTensorMode():
        maps = runtime.per_layer([torch.randn(4, 3, 2, 2, device="cuda"), None, torch.randn(4, 5, 2, 2, device="cuda")])
        numbers = runtime.per_layer_number([torch.tensor(float(i)) for i in range(3)])
        kernel = runtime.per_network(torch.randn(4, 4, device="cuda"))
        spread = runtime.each(PRIMITIVES["mean_abs"].function, maps, scalar=True)
        joined = runtime.each(PRIMITIVES["mul"].function, spread, numbers, scalar=True)
        total = runtime.across(PRIMITIVES["sum_layers"].function, joined)
        slope = runtime.across(PRIMITIVES["mean_layers"].function, numbers)
        trace = runtime.once(PRIMITIVES["trace"].function, kernel)
        value = runtime.once(PRIMITIVES["add"].function, runtime.once(PRIMITIVES["mul"].function, total, slope), trace)
        for tensor in (*(v for v in (*maps, *spread, *joined) if v is not None), kernel, total, trace, value):
            assert tensor.device.type == "cuda"
        assert runtime.once(PRIMITIVES["add"].function, value, runtime.number(2.0)).device.type == "cuda"


def test_a_score_does_not_rest_on_the_default_device(load) -> None:
    network, module = Attention(True), load(ALL)
    expected = module.score(network, images(6))
    torch.set_default_device("meta")
    try:
        assert module.score(network, images(6)) == expected
    finally:
        torch.set_default_device(None)

"""Exported proxies: equal to the engine, alone with torch, harmless to the network, readable without being run."""

from __future__ import annotations

import copy
import importlib.util
import math
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from deap import gp
from torch import nn

from gpproxy.errors import ExpressionError
from gpproxy.export.fixtures import fixture_inputs, functional_network, module_network, token_network
from gpproxy.export.read import load_proxy
from gpproxy.export.runtime import l1_to_inputs
from gpproxy.export.write import source
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.nodes import Operation
from gpproxy.expressions.text import parse, to_text
from gpproxy.primitives import PRIMITIVES
from gpproxy.primitives import types as t
from gpproxy.primitives.layers import REGIONS
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.check import make_space
from gpproxy.search_spaces.losses import l1
from gpproxy.seeds import seeded
from gpproxy.statistics.assemble import assemble
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.cut import Sizes
from gpproxy.statistics.exact import exact
from gpproxy.statistics.observe import collect_one
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import STATISTICS
from tests.statistics.tiny import LEVELLED
from tests.statistics.tiny_tables import tiny

GRAMMAR = Grammar({s.name: s.type for s in STATISTICS.values() if s.name not in LEVELLED})
SPACE = tiny.Tiny()
SIZES = Sizes(samples=5, channels=4, positions=4, fan_in=20)
HOW = Collection(samples=6, sizes=SIZES, proxies=())
CODES = ("plain-4", "norms-6", "linear-3", "deep-4")
FORWARD, BACKWARD = "sum_layers(log(spread_channels(activation)))", "sum_layers(spread_channels(gradient))"


@pytest.fixture(scope="module")
def evaluators() -> dict[str, Evaluator]:
    """Per code, of the table that holds this network alone."""
    return {code: Evaluator(assemble([collect_one(SPACE, code, HOW)])) for code in CODES}


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., ModuleType]:
    def load(tree: gp.PrimitiveTree | str, **settings: object) -> ModuleType:
        tree = parse(tree, GRAMMAR) if isinstance(tree, str) else tree
        path = tmp_path / f"proxy{len(list(tmp_path.iterdir()))}.py"
        path.write_text(source(tree, **{"space": "tiny", "sizes": SIZES, **settings}), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@exact()
def network(code: str) -> nn.Module:
    """As the engine builds it: with another number of threads its orthogonal weights differ in their last bits."""
    return SPACE.build(SPACE.decode(code), seeded("tiny", code, 0, "weights"))


def loss_of_the_space(outputs: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """The loss of the space as one gives it to a file."""
    return SPACE.loss(outputs, Batch(inputs))


def inputs() -> torch.Tensor:
    return SPACE.batch(6, seeded("tiny", 0, "inputs")).visible


def agree(module: ModuleType, tree: gp.PrimitiveTree, evaluators: dict[str, Evaluator]) -> int:
    """Compares the scores of all networks; how many there are."""
    compared = 0
    for code, evaluator in evaluators.items():
        scores = evaluator.scores([tree])
        if scores.reasons[0] is not None:
            with pytest.raises(ValueError, match="no value|cannot be ranked"):
                module.score(network(code), inputs(), loss_of_the_space)
            continue
        found = module.score(network(code), inputs(), loss_of_the_space)
        assert found == pytest.approx(float(scores.values[0, 0]), rel=1e-6, abs=1e-300), (code, to_text(tree))
        compared += 1
    return compared


def to_scalar(tree: list) -> gp.PrimitiveTree:
    """Any value reduced to a bounded Scalar."""
    steps = {t.NetworkKernel: ["mean"], t.NetworkSpectrum: ["mean"], t.LayerScalar: ["sum_layers"], t.Scalar: []}
    for name in steps.get(tree[0].ret, ["mean", "sum_layers"]):
        operation = GRAMMAR.operation(name, (tree[0].ret,))
        assert operation is not None
        tree = [operation, *tree]
    return gp.PrimitiveTree([GRAMMAR.operation("signed_log", (t.Scalar,)), *tree])


def summed(trees: list[gp.PrimitiveTree]) -> gp.PrimitiveTree:
    add = GRAMMAR.operation("add", (t.Scalar, t.Scalar))
    total = trees[0]
    for tree in trees[1:]:
        total = gp.PrimitiveTree([add, *total, *tree])
    return total


@pytest.mark.parametrize("name", GRAMMAR.statistics)
def test_every_statistic_equals_the_engine(name: str, load, evaluators) -> None:
    tree = to_scalar([GRAMMAR.statistics[name]])
    assert agree(load(tree), tree, evaluators) == len(CODES)


def test_every_primitive_equals_the_engine(load, evaluators) -> None:
    rng = random.Random(0)
    trees = []
    for name in PRIMITIVES:
        op = next(op for op in GRAMMAR.overloads(name) if isinstance(op, Operation))
        kind = GRAMMAR.terminals_of(op.args[0])
        leaves = [generate(GRAMMAR, rng, type=a, max_nodes=6) for a in op.args]
        if kind and len(set(op.args)) == 1:
            leaves = [gp.PrimitiveTree([kind[i % len(kind)]]) for i in range(op.arity)]
        tree = to_scalar([op, *(node for leaf in leaves for node in leaf)])
        if all(e.scores([tree]).reasons[0] is None for e in evaluators.values()):
            trees.append(tree)
    assert len(trees) > 0.9 * len(PRIMITIVES)
    for start in range(0, len(trees), 12):
        tree = summed(trees[start : start + 12])
        assert agree(load(tree), tree, evaluators) == len(CODES)


def test_random_formulas_equal_the_engine(load, evaluators) -> None:
    rng = random.Random(1)
    compared = 0
    for _ in range(30):
        tree = generate(GRAMMAR, rng)
        compared += agree(load(tree), tree, evaluators)
    assert compared > 60


def test_the_seed_chooses_the_probes(load) -> None:
    module = load("sum_layers(std(perturbed - activation))", seed=3)
    again = module.score(network("plain-4"), inputs())
    assert module.score(network("plain-4"), inputs(), seed=3) == again
    assert module.score(network("plain-4"), inputs(), seed=4) != again


@pytest.mark.parametrize("text", [FORWARD, BACKWARD])
def test_stands_alone_with_torch(text: str, tmp_path: Path) -> None:
    path = tmp_path / "proxy.py"
    provenance = {"kendall": float("nan"), "n": [1, {"a": "b"}]}
    text = source(parse(text, GRAMMAR), space="tiny", loss=l1_to_inputs, provenance=provenance)
    path.write_text(text, encoding="utf-8")
    imports = set(re.findall(r"^(?:import|from) (\w+)", path.read_text(), re.MULTILINE))
    assert imports - {"torch"} <= set(sys.stdlib_module_names)
    found = subprocess.run([sys.executable, "-I", str(path)], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0 and found.stdout.endswith("self-check passed\n"), found.stderr


@pytest.mark.parametrize("kind", ["modules", "functions", "tokens"])
def test_a_changed_file_fails_its_self_check(load, kind: str) -> None:
    module = load(BACKWARD)
    module.self_check()
    module.EXPECTED[kind] *= 1.01
    with pytest.raises(ValueError, match=f"network of {kind} is"):
        module.self_check()
    module.EXPECTED[kind] = None
    with pytest.raises(ValueError, match="expected None"):
        module.self_check()


def test_networks_of_the_self_check_are_seen_whole_and_differ(load, capsys: pytest.CaptureFixture[str]) -> None:
    for make, layers in ((module_network, 6), (functional_network, 4), (token_network, 7)):
        seen = Passes(make(), Batch(fixture_inputs()), l1_to_inputs, torch.Generator())
        assert seen.seen.share == 1 and len(seen.noise.layers) == layers
    module = load("sum_layers(log(norm(ones_gradient)))")
    values = list(module.EXPECTED.values())
    assert len(set(values)) == 3 and None not in values
    module.self_check()
    assert capsys.readouterr().out.count("expected") == 3


def test_forward_only_formulas_run_no_backward_pass(load, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load(FORWARD)
    monkeypatch.setattr(torch.autograd, "grad", None)
    assert isinstance(module.score(network("norms-4"), inputs()), float)
    text = source(parse(FORWARD, GRAMMAR))
    assert "autograd.grad(" not in text and "def backward" not in text and "def jacobian" not in text


def test_no_dead_code() -> None:
    """Every function and class of the file is used in it."""
    for tree in (FORWARD, BACKWARD, "sum_layers(norm(ones_gradient)) + trace(jacobian_gram)"):
        text = source(parse(tree, GRAMMAR))
        for name in re.findall(r"^(?:def|class) (\w+)", text, re.MULTILINE):
            assert len(re.findall(rf"\b{name}\b", text)) > 1 or name == "self_check", name
        for name in re.findall(r"^import (\w+)$|^from \S+ import (\w+)$", text, re.MULTILINE):
            assert len(re.findall(rf"\b{name[0] or name[1]}\b", text)) > 1, name


def test_leaves_the_network_as_it_was(load) -> None:
    module = load("sum_layers(spread_channels(gradient)) + sum_layers(norm(ones_gradient)) + trace(jacobian_gram)")
    net = nn.Sequential(network("norms-6"), nn.Dropout(0.1))
    net.eval()
    net[0][1].train()
    parameters = list(net.parameters())
    parameters[0].requires_grad_(False)
    parameters[1].grad = torch.ones_like(parameters[1])
    before = copy.deepcopy(net.state_dict())
    flags = [m.training for m in net.modules()]
    random_state = torch.get_rng_state()
    batch = inputs()
    with torch.no_grad():
        first = module.score(net, batch, l1)
    assert module.score(net, batch, l1) == first
    assert all(torch.equal(a, before[k]) for k, a in net.state_dict().items())
    assert [m.training for m in net.modules()] == flags
    assert [p.requires_grad for p in parameters] == [False] + [True] * (len(parameters) - 1)
    assert parameters[1].grad is not None and all(p.grad is None for p in parameters[2:])
    assert not any(m._forward_hooks for m in net.modules())
    assert torch.equal(torch.get_rng_state(), random_state) and torch.equal(batch, inputs())


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (nn.Tanh(), "no parameters"),
        (nn.BatchNorm2d(3), "no convolution or linear layer"),
        (network("nan-4"), "NaN or infinity"),
        (nn.Conv2d(3, 5, 1), "Pass loss="),
    ],
)
def test_says_why_there_is_no_score(net: nn.Module, message: str, load) -> None:
    with pytest.raises(ValueError, match=message):
        load(BACKWARD).score(net, inputs())


class Strange(nn.Module):
    """Generators that cannot be scored as they are."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind, self.layer = kind, nn.Conv2d(3, 3, 1)

    def forward(self, images: torch.Tensor) -> object:
        found = self.layer(images)
        return (found, found) if self.kind == "several" else found if self.kind == "single" else torch.relu(found)


class Partly(nn.Module):
    """A convolution, and a recurrent layer over the columns of the image that is not seen."""

    def __init__(self, width: int):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 5, padding=2)
        self.steps = nn.RNN(3, width, batch_first=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = self.layer(images)
        return found + self.steps(found.mean(2).transpose(1, 2))[0].mean()


@pytest.mark.parametrize("text", [FORWARD, BACKWARD])
def test_what_is_not_seen_is_told_or_refused(text: str, load) -> None:
    module = load(text)
    with pytest.warns(UserWarning, match=r"Of this generator only 8\d.* not seen are the parameters of steps \(4\)\."):
        module.score(Partly(4), inputs())
    with pytest.raises(ValueError, match=r"only .* of the parameters .* steps \(4\): less than half"):
        module.score(Partly(40), inputs())


@pytest.mark.parametrize("text", [FORWARD, BACKWARD])
def test_inputs_that_are_none_and_images_that_cannot_be_told_are_refused(text: str, load) -> None:
    module = load(text)
    net = Strange("several")
    with pytest.raises(ValueError, match="which of them is the image cannot be told: '0' .*output='0'"):
        module.score(net, inputs())
    found = module.score(net, inputs(), output=1)
    net.kind = "single"
    assert found == module.score(net, inputs())
    with pytest.raises(ValueError, match="inputs must be a tensor, or a tuple, .* this str holds no tensor"):
        module.score(network("plain-4"), "a")
    with pytest.raises(ValueError, match="as many samples each"):
        module.score(network("plain-4"), (inputs(), inputs()[:2]))


class Mixed(nn.Module):
    """A generator of images and class numbers, with the layers of one of images alone."""

    def __init__(self):
        super().__init__()
        self.body = network("norms-4")

    def forward(self, images: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
        return self.body(images + 0 * kind[:, None, None, None])


@pytest.mark.parametrize("text", [FORWARD, BACKWARD])
def test_a_generator_of_several_tensors_is_given_a_tuple_or_a_dict(text: str, load) -> None:
    module, kind = load(text), torch.arange(6)
    alone = module.score(network("norms-4"), inputs())
    assert module.score(Mixed(), (inputs(), kind)) == pytest.approx(alone, rel=1e-6)
    loss = None if text == FORWARD else lambda output, given: (output - given["images"]).abs().mean()
    assert module.score(Mixed(), {"kind": kind, "images": inputs()}, loss) == pytest.approx(alone, rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda output, inputs: nn.functional.conv2d(output, torch.ones(1, 5, 1, 1)), "does not fit .* Pass loss="),
        (lambda output, inputs: output, r"it is a tensor of the shape .* Pass loss="),
        (lambda output, inputs: 0.5, r"it is 0.5. Pass loss="),
        (lambda output, inputs: inputs.mean(), "no gradient .* Pass loss="),
    ],
)
def test_a_loss_that_cannot_be_used_is_refused(loss: Callable, message: str, load) -> None:
    with pytest.raises(ValueError, match=message):
        load(BACKWARD).score(network("plain-4"), inputs(), loss)


def test_the_loss_of_the_run_may_not_fit_another_generator(load) -> None:
    module = load("initial_loss", space="autogan", loss=make_space("autogan").loss)
    for net in (nn.Conv2d(3, 1, 1), nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 5))):
        with pytest.raises(ValueError, match="The loss does not fit .* Pass loss=f"):
            module.score(net, torch.randn(4, 3, 32, 32))


def test_rectifiers_that_are_no_modules_are_seen(load) -> None:
    assert load("sum_layers(mean_abs(preactivation))").score(Strange("functional"), inputs()) > 0


def test_a_formula_of_rectifiers_needs_one(load) -> None:
    with pytest.raises(ValueError, match=r"This generator has no rectifier \(ReLU and kin\) right before or after"):
        load("sum_layers(mean(preactivation))").score(nn.Conv2d(3, 3, 1), inputs())


def test_a_dead_network_ranks_last(load) -> None:
    assert load(FORWARD).score(network("constant-4"), inputs()) == float("-inf")


def test_the_loss_of_the_space_is_copied(load) -> None:
    class Space:
        def halved(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
            """Half of it."""
            return l1(outputs, batch.visible) / 2

    module, plain = load(BACKWARD, loss=Space().halved), load(BACKWARD)
    whole = plain.score(network("plain-4"), inputs())
    assert module.score(network("plain-4"), inputs()) == pytest.approx(whole / 2)
    module.self_check()
    with pytest.raises(ExpressionError, match="plain function"):
        source(parse(BACKWARD, GRAMMAR), loss=nn.L1Loss())


def test_settings_that_a_loss_uses_are_written_in(load) -> None:
    class Space:
        factor, other = 0.5, object()

        def scaled(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
            return self.factor * l1(outputs, batch.visible) * self.factor

        def strange(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
            return l1(outputs, batch.visible) if self.other else l1(batch.visible, outputs)

    whole = load(BACKWARD).score(network("plain-4"), inputs())
    assert load(BACKWARD, loss=Space().scaled).score(network("plain-4"), inputs()) == pytest.approx(whole / 4)
    with pytest.raises(ExpressionError, match="uses more of its object than settings"):
        source(parse(BACKWARD, GRAMMAR), loss=Space().strange)


@pytest.mark.parametrize("name", SEARCH_SPACES)
def test_the_loss_of_every_space_is_copied(name: str, load) -> None:
    space = make_space(name)
    module = load("initial_loss", space=name, loss=space.loss)
    module.self_check()
    made = space.build(space.sample(random.Random(0)), torch.Generator().manual_seed(0))
    batch = space.batch(4, torch.Generator().manual_seed(1))

    def given(outputs: torch.Tensor, inputs: object) -> torch.Tensor:
        return space.loss(outputs, batch.first(len(outputs)))

    if batch.targets is None:
        found = module.score(made, batch.arguments)
        assert found == pytest.approx(module.score(made, batch.arguments, given), rel=1e-6)
    else:  # which a file is not given
        assert math.isfinite(module.score(made, batch.arguments, given))
        with pytest.raises(ValueError, match="Pass loss=f, .* compares outputs with targets"):
            module.score(made, batch.arguments)


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("std_late(spread_channels(gradient)) + total_params", 6),
        ("sum_middle(channels)", 3),
        ("slope_layers(channels)", 2),
        ("sum_layers(channels)", 0),
    ],
)
def test_says_how_many_layers_it_is_made_for(text: str, layers: int, load) -> None:
    told = re.findall(r"Made for networks of (\d) layers or more", load(text).__doc__)
    assert told == [str(layers)] * bool(layers)
    depth = torch.arange(layers, dtype=torch.float64) / max(layers - 1, 1)
    counts = [int(choose(depth).sum()) for name, (choose, _) in REGIONS.items() if name != "layers"]
    assert min(counts) == layers // 3


def test_load_proxy_reads_what_export_wrote(tmp_path: Path) -> None:
    tree = parse(BACKWARD, GRAMMAR)
    path = tmp_path / "proxy.py"
    settings = {"space": "tiny", "seed": 7, "samples": 12, "sizes": SIZES, "rank_form": tree}
    path.write_text(source(tree, **settings, provenance={"test": {"rho": 0.9}}), encoding="utf-8")
    proxy = load_proxy(path)
    assert proxy.tree() == tree and proxy.rank_form == BACKWARD
    assert (proxy.space, proxy.seed, proxy.samples, proxy.sizes) == ("tiny", 7, 12, SIZES)
    assert proxy.provenance["test"] == {"rho": 0.9} and "torch" in proxy.provenance["versions"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FORMULA = __import__('os').getcwd()", "must be a literal"),
        ("FORMULA = 3", "must be a str"),
        ("x = 1", "holds no line FORMULA"),
        ("def (", "not a Python file"),
        (None, "cannot be read"),
    ],
)
def test_load_proxy_runs_nothing(text: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "proxy.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ExpressionError, match=message):
        load_proxy(path)

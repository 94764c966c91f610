"""A space of one's own that breaks a promise is told which, by a sentence that names the method."""

from __future__ import annotations

import random
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch import nn

from gpproxy.benchmarks.benchmark import Card
from gpproxy.benchmarks.rows import Row, sift
from gpproxy.errors import ConfigError, SpaceError
from gpproxy.registry import load_plugin
from gpproxy.search_spaces import SEARCH_SPACES, Batch
from gpproxy.search_spaces.check import check_once, check_space, make_space
from gpproxy.search_spaces.initialise import materialise

load_plugin(Path(__file__).parents[1] / "fake.py")
Fake = SEARCH_SPACES["fake"]


class Own(nn.Module):
    """A constant from which a generator begins, and a buffer."""

    def __init__(self):
        super().__init__()
        self.start = nn.Parameter(torch.empty(4, 2, 2))
        self.register_buffer("scale", torch.empty(4, 1, 1))


class Filled(Own):
    def initialise_(self, generator):
        self.start.normal_(generator=generator)
        self.scale.fill_(2.0)


def network(middle):
    with torch.device("meta"):
        return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.PReLU(), middle())


@pytest.mark.parametrize(
    ("middle", "named"),
    [(Own, "parameter 3.start of Own"), (lambda: nn.Embedding(3, 4), "parameter 3.weight of Embedding")],
)
def test_what_nothing_would_fill_is_named(middle, named):
    before = torch.get_rng_state()
    with pytest.raises(SpaceError, match=named):
        materialise(network(middle), torch.Generator().manual_seed(0))
    assert torch.equal(before, torch.get_rng_state())
    assert all(p.is_meta for p in materialise(network(middle), None).parameters())


def test_a_module_fills_what_it_holds():
    first, again = (materialise(network(Filled), torch.Generator().manual_seed(3)).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert first["3.start"].std() > 0 and (first["3.scale"] == 2).all() and (first["2.weight"] == 0.25).all()


@pytest.fixture
def changed(monkeypatch):
    """Fake with another method."""

    def change(method, function):
        monkeypatch.setattr(Fake, method, function)
        return Fake()

    return change


def built(self, architecture, generator):
    return nn.Conv2d(3, 3, 1)


def unseeded(self, architecture, generator):
    made = nn.Conv2d(3, 3, 1, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.fill_(random.random())
    return made


def on_the_cpu(self, architecture, generator):
    return materialise(nn.Conv2d(3, 3, 1, device="meta"), generator or torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("method", "function", "sentence"),
    [
        ("build", built, "build must draw from its generator only"),
        ("build", unseeded, "build must give equal weights for equal generators, but weight, bias came out different"),
        ("build", on_the_cpu, "build must stay on the meta device where its generator is None, but weight, bias"),
        ("build", lambda self, a, g: 1 / 0, "build raised ZeroDivisionError: division by zero"),
        ("mutate", lambda self, a, rng: a, "mutate must return another architecture"),
        ("encode", lambda self, a: "0-0-0-0", "decode must be the inverse of encode"),
        (
            "batch",
            lambda self, n, g: Batch(torch.zeros(1, 3, 8, 8)),
            r"for 2 it holds a tensor of shape \(1, 3, 8, 8\)",
        ),
        ("batch", lambda self, n, g: Batch(torch.rand(n, 3, 8, 8)), "batch must draw from its generator only"),
        (
            "batch",
            lambda self, n, g: Batch(torch.ones(n, 5, 8, 8)),
            "the forward pass, .* of what build returned raised",
        ),
        ("loss", lambda self, outputs, batch: outputs.mean(1), "loss must return a tensor with one number"),
    ],
)
def test_a_broken_promise_is_named(changed, method, function, sentence):
    with pytest.raises(SpaceError, match=f"The search space fake: .*{sentence}"):
        check_space(changed(method, function))


def test_sound_spaces_pass_and_the_global_state_stays(monkeypatch):
    before = torch.get_rng_state()
    for name in ("fake", "gancompression-pix2pix"):
        check_space(SEARCH_SPACES[name]())
    assert torch.equal(before, torch.get_rng_state())
    tried = []
    monkeypatch.setattr("gpproxy.search_spaces.check.check_space", tried.append)
    monkeypatch.setattr("gpproxy.search_spaces.check._CHECKED", set())
    for space in (Fake(), Fake(), SEARCH_SPACES["autogan"]()):
        assert check_once(space) is space
    assert len(tried) == 1 and isinstance(tried[0], Fake)


def test_an_exception_inside_decode_is_a_sentence():
    class Careless(Fake):
        def decode(self, code):
            return tuple(map(int, code.split("-")))

    with pytest.raises(SpaceError, match="cannot read 'x': its decode raised ValueError: invalid literal"):
        Careless().decode("x")
    card = Card(space="fake", metric="quality", direction="higher", source="made up")
    good, bad = sift([Row(1, "x", 1.0), Row(2, "1-1-0-2", 1.0)], card, Careless())
    assert list(good) == ["1-1-0-2"] and "decode raised ValueError" in str(bad[0])


def test_an_unknown_setting_gets_the_nearest_match_and_the_list():
    with pytest.raises(
        ConfigError, match="autogan has no setting 'widht'. Did you mean 'width'\\? Known: width, latent"
    ):
        make_space("autogan", {"widht": 3})
    assert asdict(Fake(resolution=16).settings) == {"resolution": 16}


class Leaving(Filled):
    """Ends the process."""

    def forward(self, x):
        raise SystemExit(4)


def test_a_space_whose_network_ends_the_process_is_a_sentence(monkeypatch):
    monkeypatch.setattr("gpproxy.search_spaces.check._CHECKED", set())

    def build(self, architecture, generator):
        with torch.device("meta"):
            made = Leaving()
        return made if generator is None else materialise(made, generator)

    monkeypatch.setattr(Fake, "build", build)
    with pytest.raises(SpaceError, match=r"trying one of its architectures was ended by sys.exit\(4\) in its own"):
        check_once(Fake())

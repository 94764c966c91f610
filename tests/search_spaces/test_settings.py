"""Settings of spaces come from Python, JSON and the command line, and what is wrong with one is told in a sentence."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
import torch

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.registry import load_plugin
from gpproxy.search_spaces import Batch, SearchSpace, search_space
from gpproxy.search_spaces.check import check_space, make_space
from gpproxy.search_spaces.settings import setting_names
from gpproxy.statistics.collect import Collection, collect

load_plugin(Path(__file__).parents[1] / "fake.py")
Fake = type(make_space("fake"))


class Odd(Fake):
    @dataclass(frozen=True)
    class Settings(SearchSpace.Settings):
        resolution: int = 8
        factor: float = 1.0
        label: str = "a"
        norm: bool = True
        sides: tuple[int, ...] = (1, 2)


def test_values_take_the_type_of_their_field():
    space = Odd(factor=2, label=7, norm="False", sides=[3, 4], resolution=16)
    assert asdict(space.settings) == {"resolution": 16, "factor": 2.0, "label": "7", "norm": False, "sides": (3, 4)}
    assert type(space.settings.factor) is float
    again = Odd(space.settings, label="b").settings
    assert (again.label, again.factor) == ("b", 2.0) and space.settings.label == "7"
    assert setting_names(Odd) == ("resolution", "factor", "label", "norm", "sides")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"resolution": 8.5}, "The setting resolution of the search space fake is a whole number, but got 8.5"),
        ({"resolution": True}, "is a whole number, but got True"),
        ({"factor": "wide"}, "factor of the search space fake is a number, but got 'wide'"),
        ({"norm": 3}, "norm of the search space fake is true or false, but got 3"),
        ({"resolutoin": 8}, "has no setting 'resolutoin'. Did you mean 'resolution'\\? Known: resolution, factor"),
    ],
)
def test_a_wrong_setting_is_told(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Odd(**given)
    with pytest.raises(ConfigError, match="by name, or its Settings, but got 8"):
        Odd(8)


def test_ranges_of_the_built_in_spaces_are_checked_and_their_names_told():
    with pytest.raises(ConfigError, match="channels names a set of gancompression-cyclegan, but is '48'"):
        make_space("gancompression-cyclegan", {"channels": 48})
    with pytest.raises(ConfigError, match="multiple of 64 pixels from 64 on, but is 32"):
        make_space("gancompression-spade", {"resolution": 32})
    assert make_space("transnas-micro", {"decoder_width": 1}).settings.decoder_width == 1.0


def test_attributes_are_the_business_of_a_space(tmp_path, monkeypatch):
    """In 0.1 every attribute was taken for an argument of the constructor."""

    def construct(self, settings=None, **fields):
        SearchSpace.__init__(self, settings, **fields)
        self.stages, self.channels = 3, [8, 16]

    plain, how = Fake(), Collection(statistics=("params",), proxies=(), samples=2)
    monkeypatch.setattr(Fake, "__init__", construct)
    space = Fake(resolution=8)
    check_space(space)
    code = space.encode((1, 1, 1, 1))
    table, failed = collect(space, [code], how, cache_folder=tmp_path)
    assert len(table) == 1 and not failed and space.settings == plain.settings
    assert copy.deepcopy(space).stages == 3


def test_missing_methods_are_named():
    class Half(SearchSpace):
        name = "half"

        def sample(self, rng):
            return (0,)

        def batch(self, count, generator):
            return Batch(torch.zeros(count, 1))

    with pytest.raises(SpaceError, match="The search space half lacks build and count and .*decode.*: build, which is"):
        Half()


def test_what_a_space_has_to_declare_is_told():
    with pytest.raises(SpaceError, match="old takes side in its constructor. Since 0.2 .* frozen dataclass Settings"):

        @search_space("old")
        class Old(Fake):
            def __init__(self, side: int = 3):
                super().__init__()

    with pytest.raises(SpaceError, match="Settings must be a frozen dataclass"):

        @search_space("thawed")
        class Thawed(Fake):
            @dataclass
            class Settings:
                side: int = 3

    with pytest.raises(SpaceError, match="its setting side must have a default"):

        @search_space("bare")
        class Bare(Fake):
            @dataclass(frozen=True)
            class Settings(SearchSpace.Settings):
                side: int


@pytest.mark.parametrize("line", ["from search_spaces import SearchSpace", "    import primitives.check"])
def test_a_plug_in_of_0_1_is_told_the_new_name(tmp_path, line):
    file = tmp_path / "old_plugin.py"
    file.write_text(f"if True:\n    pass\n{line.strip()}\nraise NameError('x')\n")
    with pytest.raises(ConfigError, match=r"imports (search_spaces|primitives), which is gpproxy\.\1 since 0.2"):
        load_plugin(file)

"""What a search space is: one contract for every family of generators.

A space is a class with the decorator `@search_space("name")`. Out of it come architectures, their codes, untrained
generators and the batches to look at them with. Spaces of a few independent choices are shorter to write as
`gpproxy.search_spaces.ChoiceSpace`.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

from gpproxy.errors import GPProxyError, SpaceError
from gpproxy.registry import Registry
from gpproxy.search_spaces import describe
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.settings import refuse_old_constructor, refuse_unfrozen, settings_from
from gpproxy.seeds import numbered

#: An architecture inside its space: a short tuple of integers.
Architecture = tuple[int, ...]
#: What a generator is given: a vector of noise; an image, `channel x height x width` in [-1, 1]; a label map with the
#: same axes, one-hot per pixel, with one channel per class and what else the data set marks, such as edges; an image
#: with noise on it and the level of the noise, see `gpproxy.search_spaces.edm`; an image to enlarge;
#: a vector of noise and the number of a class.
Takes = Literal["noise", "images", "labels", "noisy images", "small images", "noise and classes", "images and noise"]

Space = TypeVar("Space", bound="SearchSpace")


class SharedNetwork(nn.Module, ABC):
    """One network with the weights of all architectures of a space; its passes are those of the chosen one."""

    @abstractmethod
    def choose(self, architecture: Architecture) -> None:
        """The architecture of the next passes. The first levels of one alone, where it can be cut there, draw smaller
        images."""


class SearchSpace(ABC):
    """A family of generator architectures.

    Everything outside the space knows an architecture by its *code*, a short string. Attributes of a space are its own
    business: what others read is what stands here.

    Args:
        settings: an instance of the class's `Settings`; or its fields by name.

    Raises ConfigError for a setting that is unknown, of another type or out of its range, and SpaceError, with the
    names of what is missing, for a class without some of the abstract methods.
    """

    @dataclass(frozen=True)
    class Settings:
        """The settings of the space, a frozen dataclass with a default for every field; ranges are checked in its
        `__post_init__`. Numbers, texts and booleans can be given on the command line (`--space-settings NAME=VALUE`).
        """

    settings: Settings
    #: set by the decorator
    name: str = ""
    #: (Author, year)
    source: str = ""
    #: Name -> published architecture. `gpproxy.train --arch` finds each as `<space>-<name>` in lower case.
    published: Mapping[str, Architecture] = MappingProxyType({})

    def __new__(cls: type[Space], *args: Any, **fields: Any) -> Space:
        if missing := sorted(cls.__abstractmethods__):
            told = "; ".join(f"{name}, which is: {_first_line(getattr(SearchSpace, name, None))}" for name in missing)
            raise SpaceError(f"The search space {cls.name or cls.__name__} lacks {' and '.join(missing)}: {told}")
        return super().__new__(cls)  # type: ignore[misc]

    def __init__(self, settings: Settings | None = None, **fields: Any) -> None:
        self.settings = settings_from(self.Settings, self.name or type(self).__name__, settings, fields)

    def __init_subclass__(cls, **options: Any) -> None:
        """Lets `decode` raise SpaceError only: whatever is wrong with a code, it is a sentence and no traceback."""
        super().__init_subclass__(**options)
        if "decode" in vars(cls):
            cls.decode = _explained(cls.decode)  # type: ignore[method-assign, assignment]

    # --- architectures

    @abstractmethod
    def sample(self, rng: random.Random) -> Architecture:
        """One architecture, uniform over the space."""

    @abstractmethod
    def count(self) -> int:
        """Number of architectures."""

    @abstractmethod
    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture once, in a fixed order."""

    @abstractmethod
    def mutate(self, architecture: Architecture, rng: random.Random) -> Architecture:
        """A valid neighbour that differs from `architecture`."""

    @abstractmethod
    def cross(self, first: Architecture, second: Architecture, rng: random.Random) -> Architecture:
        """A valid child of two parents."""

    @abstractmethod
    def encode(self, architecture: Architecture) -> str:
        """The code of an architecture."""

    @abstractmethod
    def decode(self, code: str) -> Architecture:
        """The architecture of a code. Raises SpaceError with the rule that the code breaks."""

    def canonical(self, architecture: Architecture) -> Any:
        """A hashable that is equal for functionally identical architectures. By default the architecture itself."""
        return architecture

    def dead(self, architecture: Architecture) -> str:
        """Why the output cannot depend on the input, known from the structure alone; empty when it may."""
        return ""

    # --- decisions, for controllers

    @property
    def tokens(self) -> tuple[tuple[int, ...], ...]:
        """The decisions that make an architecture: per level, in order, how many choices each of them has.

        A controller emits one token per decision, a number below its size; where a search goes level by level, with
        one controller each, a level is what one of them decides (AutoGAN: a cell). By default (), of a space that has
        no such decisions. Where every row of tokens is an architecture of its own, the product of all sizes is
        `count()`; otherwise `from_tokens` refuses the rows that are none, and one draws again.
        """
        return ()

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        """What each decision is called, in the layout of `tokens`."""
        return tuple(
            tuple(f"decision {number} of level {level}" for number in range(1, len(sizes) + 1))
            for level, sizes in enumerate(self.tokens, 1)
        )

    def to_tokens(self, architecture: Architecture) -> tuple[int, ...]:
        """The tokens of an architecture, all levels in one row. By default its own numbers.

        Raises SpaceError for an architecture that no tokens make.
        """
        return self.checked_tokens(architecture)

    def from_tokens(self, tokens: Sequence[int]) -> Architecture:
        """The architecture of a row of tokens, the inverse of `to_tokens`. By default the tokens themselves.

        Raises SpaceError for a row that is no architecture.
        """
        return self.checked_tokens(tokens)

    def checked_tokens(self, tokens: Sequence[int]) -> tuple[int, ...]:
        """The tokens as a tuple. Raises SpaceError where they do not fit the sizes."""
        sizes = [size for level in self.tokens for size in level]
        names = [name for level in self.token_names for name in level]
        if not sizes:
            raise SpaceError(f"The search space {self.name} declares no tokens, so a controller cannot search in it.")
        if len(tokens) != len(sizes):
            raise SpaceError(f"An architecture of {self.name} has {len(sizes)} tokens, but here are {len(tokens)}.")
        for token, size, name in zip(tokens, sizes, names):
            if not 0 <= token < size:
                raise SpaceError(f"The token '{name}' of {self.name} is 0 to {size - 1}, but here {token}.")
        return tuple(tokens)

    # --- generators

    @abstractmethod
    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        """The untrained generator, in training mode, on the CPU, in float32.

        All initial weights are drawn from `generator`; None builds on the meta device (shapes only, no memory).
        """

    def supernet(self, generator: torch.Generator | None) -> SharedNetwork:
        """The untrained weights that all architectures of the space share, in training mode, as `build` makes one.

        Its levels are those of `tokens`. Raises SpaceError where a space has none.
        """
        raise SpaceError(
            f"The architectures of {self.name} share no weights: its class has no method `supernet`. Choose autogan, "
            "or another estimator."
        )

    @abstractmethod
    def batch(self, count: int, generator: torch.Generator) -> Batch:
        """A Batch of `count` samples to look at an untrained network with, drawn from `generator`: `Batch(inputs)`."""

    @abstractmethod
    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The loss of a pass at initialisation, one number, the mean over the batch that the outputs were made of."""

    @cached_property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one visible input, without the axis of samples: `(latent,)`, or `channel x height x width`.

        By default that of a batch.
        """
        return tuple(self.batch(2, numbered(0)).visible.shape[1:])

    @property
    def takes(self) -> Takes:
        """What the generators are given, see `Takes`. By default noise where an input has one axis, with classes where
        a whole number for each sample stands beside it; else images."""
        if len(self.input_shape) > 1:
            return "images"
        return "noise" if self._drawn_classes(2) is None else "noise and classes"

    @property
    def classes(self) -> int:
        """How many classes the generators are told, 0 where they are told none. By default one more than the highest
        of a thousand that are drawn."""
        drawn = self._drawn_classes(1000)
        return 0 if drawn is None else 1 + int(drawn.max())

    def _drawn_classes(self, count: int) -> Tensor | None:
        """Whole numbers, `sample`, beside the visible input of a batch; None where anything else stands there."""
        batch = self.batch(count, numbered(0))
        others = [tensor for tensor in batch.tensors if tensor is not batch.visible]
        told = [tensor for tensor in others if tensor.ndim == 1 and not tensor.is_floating_point()]
        return told[0] if len(told) == len(others) == 1 else None

    @cached_property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one output, `channel x height x width` for images. By default that of the first architecture that
        is drawn from seed 0, which takes a pass on the meta device; all generators of a space have the same."""
        network = self.build(self.sample(random.Random(0)), None)
        with torch.no_grad():
            return tuple(self.batch(2, numbered(0)).to("meta").call(network).shape[1:])

    @property
    def matching_width(self) -> int:
        """Channels of the discriminator that its generators are trained against, where a recipe names none."""
        return 64

    # --- sizes

    def describe(self, architecture: Architecture) -> dict[str, float]:
        """Structural descriptors of the live graph: params, macs, depth, ... (see `gpproxy.search_spaces.describe`)."""
        return describe.describe(self.build(architecture, None), self.batch(2, numbered(0)).to("meta"))

    @property
    def described_shape(self) -> tuple[int, ...]:
        """Shape of the image that the descriptors are of. By default `image_shape`."""
        return self.image_shape

    def macs(self, architecture: Architecture) -> int | None:
        """The `macs` of `describe` by a rule of the space's own, without a pass. By default None: there is none."""
        return None


def _first_line(method: object) -> str:
    return (getattr(method, "__doc__", None) or "an abstract method of its base class.").strip().split("\n")[0]


def _explained(decode: Callable[[Any, str], Architecture]) -> Callable[[Any, str], Architecture]:
    @wraps(decode)
    def explained(self: SearchSpace, code: str) -> Architecture:
        try:
            return decode(self, code)
        except GPProxyError:
            raise
        except Exception as error:
            raise SpaceError(
                f"The search space {self.name} cannot read '{code}': its decode raised {type(error).__name__}: {error}"
            ) from error

    return explained


SEARCH_SPACES: Registry[type[SearchSpace]] = Registry("search space", "gpproxy.search_spaces")


def search_space(name: str) -> Callable[[type[SearchSpace]], type[SearchSpace]]:
    """Registers a SearchSpace subclass under `name`.

    Raises RegistryError where the name is taken, SpaceError where the class does not declare its settings as
    `SearchSpace.Settings` says.
    """

    def decorate(cls: type[SearchSpace]) -> type[SearchSpace]:
        refuse_unfrozen(name, cls.Settings)
        refuse_old_constructor(name, cls)
        cls.name = name
        return SEARCH_SPACES.add(name, cls)

    return decorate

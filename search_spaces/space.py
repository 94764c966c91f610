"""What a search space is: one small protocol for every family of generators."""

from __future__ import annotations

import inspect
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, wraps
from typing import Any, Literal

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError, GPProxyError, SpaceError, did_you_mean
from gpproxy.registry import Registry

#: An architecture inside its space: a short tuple of integers.
Architecture = tuple[int, ...]
#: What a generator is given: a vector of noise; an image, `channel x height x width` in [-1, 1]; a label map with the
#: same axes, one-hot per pixel, with one channel per class and what else the data set marks, such as edges.
Takes = Literal["noise", "images", "labels"]


class SearchSpace(ABC):
    """A family of generator architectures.

    A subclass is one file and the decorator `@search_space("name")`; its constructor arguments (with defaults) are its
    settings. Everything outside the space knows an architecture by its *code*, a short string.
    """

    #: set by the decorator
    name: str = ""
    #: (Author, year)
    source: str = ""

    def __init_subclass__(cls, **options: Any) -> None:
        """Lets `decode` raise SpaceError only: whatever is wrong with a code, it is a sentence and no traceback."""
        super().__init_subclass__(**options)
        if "decode" in vars(cls):
            cls.decode = _explained(cls.decode)  # type: ignore[assignment]

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

    @abstractmethod
    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        """The untrained generator, in training mode, on the CPU, in float32.

        All initial weights are drawn from `generator`; None builds on the meta device (shapes only, no memory).
        """

    @abstractmethod
    def inputs(self, count: int, generator: torch.Generator) -> Tensor:
        """A batch of inputs, `count x ...`, drawn from `generator`."""

    @abstractmethod
    def loss(self, outputs: Tensor, inputs: Tensor) -> Tensor:
        """The loss of a pass at initialisation, one number. The mean over the batch."""

    @cached_property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, without the axis of samples: `(latent,)`, or `channel x height x width`."""
        return tuple(self.inputs(2, torch.Generator().manual_seed(0)).shape[1:])

    @property
    def takes(self) -> Takes:
        """What the generators are given, see `Takes`. By default noise where an input has one axis, else images."""
        return "noise" if len(self.input_shape) == 1 else "images"

    @cached_property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one output, `channel x height x width` for images. By default that of the first architecture that
        is drawn from seed 0, which takes a pass on the meta device; all generators of a space have the same."""
        network = self.build(self.sample(random.Random(0)), None)
        with torch.no_grad():
            return tuple(network(torch.empty(2, *self.input_shape, device="meta")).shape[1:])

    def canonical(self, architecture: Architecture) -> Any:
        """A hashable that is equal for functionally identical architectures. By default the architecture itself."""
        return architecture

    def dead(self, architecture: Architecture) -> str:
        """Why the output cannot depend on the input, known from the structure alone; empty when it may."""
        return ""

    def describe(self, architecture: Architecture) -> dict[str, float]:
        """Structural descriptors of the live graph: params, macs, depth, ... (see `gpproxy.search_spaces.describe`)."""
        from gpproxy.search_spaces.describe import describe

        return describe(self, architecture)


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
    """Registers a SearchSpace subclass under `name`."""

    def decorate(cls: type[SearchSpace]) -> type[SearchSpace]:
        cls.name = name
        return SEARCH_SPACES.add(name, cls)

    return decorate


def open_with(cls: type[SearchSpace], settings: Mapping[str, Any]) -> SearchSpace:
    """The space with these settings. Raises ConfigError for one that it does not have."""
    known = inspect.signature(cls).parameters
    takes_all = any(one.kind is one.VAR_KEYWORD for one in known.values())
    for name in () if takes_all else settings:
        if name not in known:
            hint = did_you_mean(name, known)
            listed = f"Known: {', '.join(known)}." if known else "It has none."
            raise ConfigError(f"The search space {cls.name} has no setting '{name}'.{hint} {listed}")
    return cls(**settings)

"""Spaces in ten lines: in go named choices and a function that builds a module of them, out comes a search space.

    @choice_space("small-decoder", {"channels": (16, 24, 32), "depth": (0, 1, 2)}, inputs=64)
    def small_decoder(channels: int, depth: int) -> nn.Module:
        return nn.Sequential(nn.Linear(64, 16 * channels), ...)

Torch's global random state is set before the function runs and is as before afterwards, so ordinary modules will do.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from gpproxy.errors import SpaceError, did_you_mean
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.images import pink_noise
from gpproxy.search_spaces.output import Pick
from gpproxy.search_spaces.product import Choices, ProductSpace
from gpproxy.search_spaces.space import SEARCH_SPACES, Architecture, SearchSpace

#: From one value per choice, by name, to an untrained network.
Build = Callable[..., nn.Module]
Made = TypeVar("Made", bound=Build)


def mean_square(outputs: Tensor, batch: Batch) -> Tensor:
    """Mean square of the outputs: a loss that needs neither a target nor inputs of their shape."""
    return outputs.square().mean()


class ChoiceSpace(ProductSpace):
    """A space of named choices. An architecture holds the position of each value, its code the values: `16_2`.

    Args:
        choices: name -> values, in the order of the code: numbers, or texts without `_` and `,`.
        build: called with one value per name, as keywords; returns an ordinary module in float32.
        inputs: size of a vector of noise; or the shape `(channels, height, width)` of images, drawn as pink noise; or
            a function of a count and a torch.Generator that returns a tensor, or a Batch for several tensors.
        loss: `loss(outputs, batch)` of the pass at initialisation, one number; a plain function, which is copied into
            an exported proxy.
        name: of the space for `--space`; registers it, so that every process of a run finds it in its plug-in file.
        output: which tensor of its output is the image, of a generator that returns several: a position, a name or a
            function of what it returns.
        source: who made it, (Author, year).
        canonical: from one value per name, as keywords, to a hashable that is equal for functionally identical
            architectures; by default every architecture stands for itself.
        published: name -> code of architectures that `--arch` finds as `<space>-<name>`.

    Raises SpaceError for choices that make no space, RegistryError for a name that is taken.

    >>> choices = {"channels": (4, 8), "depth": (0, 1)}
    >>> space = ChoiceSpace(choices, lambda channels, depth: nn.Linear(6, channels), inputs=6)
    >>> space.count(), space.encode(space.decode("8_1")), space.tokens
    (4, '8_1', ((2, 2),))
    """

    def __init__(
        self,
        choices: Mapping[str, Sequence[Any]],
        build: Build,
        *,
        inputs: int | tuple[int, int, int] | Callable[[int, torch.Generator], Tensor | Batch],
        loss: Callable[[Tensor, Batch], Tensor] = mean_square,
        name: str = "",
        output: Pick = None,
        source: str = "",
        canonical: Callable[..., Any] | None = None,
        published: Mapping[str, str] = MappingProxyType({}),
    ):
        super().__init__()
        self.name, self.source = name or getattr(build, "__name__", "choices"), source
        self.values = {choice: tuple(values) for choice, values in choices.items()}
        self._texts = {choice: [str(value) for value in values] for choice, values in self.values.items()}
        self._refuse_impossible()
        self._build, self._inputs, self._output, self._canonical = build, inputs, output, canonical
        self.loss = loss  # type: ignore[method-assign, assignment]
        self.published = {label: self.decode(code) for label, code in published.items()}
        if name:
            # A class of its own, as every registered space: found by name, with the file of `build` as its source.
            self.__class__ = _registered(name, self)

    def _refuse_impossible(self) -> None:
        if not any(len(values) > 1 for values in self.values.values()):
            raise SpaceError(f"The search space {self.name} needs a choice of two values or more.")
        for choice, texts in self._texts.items():
            bad = [text for text in texts if not text or "_" in text or "," in text or text != text.strip()]
            if bad or len(set(texts)) < len(texts):
                told = f"but here is {bad[0]!r}" if bad else "but one comes twice"
                raise SpaceError(
                    f"The values of the choice {choice} of {self.name} must be different texts or numbers without "
                    f"'_', ',' and space around, {told}."
                )

    # --- architectures

    @property
    def choices(self) -> Choices:
        return tuple(tuple(range(len(values))) for values in self.values.values())

    @property
    def token_names(self) -> tuple[tuple[str, ...], ...]:
        return (tuple(self.values),)

    def chosen(self, architecture: Architecture) -> dict[str, Any]:
        """The value of each choice by name."""
        return {name: values[i] for (name, values), i in zip(self.values.items(), architecture, strict=True)}

    def encode(self, architecture: Architecture) -> str:
        return "_".join(texts[i] for texts, i in zip(self._texts.values(), architecture, strict=True))

    def decode(self, code: str) -> Architecture:
        parts = code.strip().split("_")
        if len(parts) != len(self._texts):
            example = self.encode(tuple(values[0] for values in self.choices))
            raise SpaceError(
                f"A {self.name} code is {' and '.join(self._texts)} joined by '_', such as {example}, but this is "
                f"'{code}'."
            )
        for (name, texts), part in zip(self._texts.items(), parts):
            if part not in texts:
                raise SpaceError(
                    f"'{code}' is no {self.name} architecture: {name} is one of {', '.join(texts)}, not '{part}'."
                    f"{did_you_mean(part, texts)}"
                )
        return tuple(texts.index(part) for texts, part in zip(self._texts.values(), parts))

    def canonical(self, architecture: Architecture) -> Any:
        if self._canonical is None:
            return architecture
        return self._canonical(**self.chosen(architecture))

    # --- generators

    def build(self, architecture: Architecture, generator: torch.Generator | None) -> nn.Module:
        chosen = self.chosen(architecture)
        with torch.random.fork_rng(devices=[]):
            state = random.getstate()
            try:
                if generator is None:
                    return self._shapes(chosen)
                seed = int(torch.randint(2**62, (), generator=generator))
                torch.default_generator.manual_seed(seed)
                random.seed(seed)
                with torch.device("cpu"):
                    return self._build(**chosen).train()
            finally:
                random.setstate(state)

    def _shapes(self, chosen: dict[str, Any]) -> nn.Module:
        """The network on the meta device, without memory for its weights where its constructor allows that."""
        try:
            with torch.device("meta"):
                network = self._build(**chosen)
        except (NotImplementedError, RuntimeError):  # it computes with values, such as the norm of a weight
            with torch.device("cpu"):
                network = self._build(**chosen)
        return network.to("meta").train()

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        inputs = self._inputs
        if isinstance(inputs, int):
            return Batch(torch.randn(count, inputs, generator=generator), output=self._output)
        if isinstance(inputs, Sequence):
            channels, height, width = inputs
            images = pink_noise(count, max(height, width), generator, channels)
            return Batch(images[:, :, :height, :width].contiguous(), output=self._output)
        given = inputs(count, generator)
        batch = given if isinstance(given, Batch) else Batch(given)
        return batch if self._output is None else replace(batch, output=self._output)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The function that was given."""
        raise NotImplementedError


def choice_space(name: str, choices: Mapping[str, Sequence[Any]], **about: Any) -> Callable[[Made], Made]:
    """Registers the function below it as the `build` of a ChoiceSpace; the other arguments are those of ChoiceSpace."""

    def decorate(build: Made) -> Made:
        ChoiceSpace(choices, build, name=name, **about)
        return build

    return decorate


def _registered(name: str, made: ChoiceSpace) -> type[ChoiceSpace]:
    """A class whose constructor, without settings, gives `made` again."""

    def construct(self: ChoiceSpace, settings: SearchSpace.Settings | None = None, **fields: Any) -> None:
        SearchSpace.__init__(self, settings, **fields)
        self.__dict__.update({**vars(made), "settings": self.settings})

    about = {"__init__": construct, "__module__": made._build.__module__, "__doc__": made._build.__doc__}
    own = type(made._build.__name__, (ChoiceSpace,), {**about, "name": name, "source": made.source})
    return SEARCH_SPACES.add(name, own)  # type: ignore[return-value]

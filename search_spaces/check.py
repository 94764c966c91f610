"""Whether a search space keeps its promises, tried on one architecture: what a plug-in gets wrong is said before a run.

In: a space. Out: nothing, or a SpaceError that names the method and what it has to do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, get_args

import torch
from torch import Tensor, nn

from gpproxy.errors import GPProxyError, SpaceError
from gpproxy.foreign import LOOK, Ended, foreign_code
from gpproxy.search_spaces.batch import Batch
from gpproxy.search_spaces.space import SEARCH_SPACES, Architecture, SearchSpace, Takes
from gpproxy.seeds import numbered

_CHECKED: set[type[SearchSpace]] = set()


def check_once(space: SearchSpace) -> SearchSpace:
    """The space; its class is checked at the first call in a process, unless it comes with this package."""
    cls = type(space)
    if cls not in _CHECKED and not cls.__module__.startswith("gpproxy.search_spaces."):
        try:
            with foreign_code(LOOK):
                check_space(space)
        except Ended as error:
            raise SpaceError(f"The search space {space.name}: trying one of its architectures {error}.") from error
        _CHECKED.add(cls)
    return space


def check_space(space: SearchSpace) -> None:
    """Tries settings, codes, mutation, tokens, build, batch, a pass, its loss and what the space says of itself.

    Raises SpaceError for the first broken promise.
    """
    rng = random.Random(0)
    rule = "must call super().__init__(settings, **fields), which sets self.settings"
    _require(isinstance(getattr(space, "settings", None), type(space).Settings), space, "__init__", rule)
    with _method(space, "sample"):
        architecture = space.sample(rng)
    _check_codes(space, architecture, rng)
    _check_tokens(space, architecture)
    _check_build(space, architecture)
    network, batch = _check_meta(space, architecture), _check_batch(space)
    _check_pass(space, network, batch)
    _check_shapes(space, network, batch)


def _check_codes(space: SearchSpace, architecture: Architecture, rng: random.Random) -> None:
    code = _check_code(space, architecture)
    with _method(space, "mutate"):
        mutant = space.mutate(architecture, rng)
    _require(mutant != architecture, space, "mutate", f"must return another architecture, but returned {code} itself")
    _check_code(space, mutant)


def _check_code(space: SearchSpace, architecture: Architecture) -> str:
    with _method(space, "encode"):
        code = space.encode(architecture)
    with _method(space, "decode"):
        back = space.decode(code)
    rule = f"must be the inverse of encode, but it reads '{code}', the code of {architecture}, as {back}"
    _require(back == architecture, space, "decode", rule)
    return code


def _check_tokens(space: SearchSpace, architecture: Architecture) -> None:
    with _method(space, "tokens"):
        tokens = space.tokens
    if tokens:
        with _method(space, "from_tokens"):
            back = space.from_tokens(space.to_tokens(architecture))
        _require(back == architecture, space, "from_tokens", f"must be the inverse of to_tokens, but gave {back}")
    for name, one in space.published.items():
        with _method(space, f"decode, of the published architecture {name},"):
            back = space.decode(space.encode(one))
        _require(back == one, space, "published", f"must hold architectures, but '{name}' is read back as {back}")


def _check_build(space: SearchSpace, architecture: Architecture) -> None:
    before = torch.get_rng_state()
    with _method(space, "build"):
        first, again = (space.build(architecture, torch.Generator().manual_seed(5)) for _ in range(2))
    advice = "Build under torch.device('meta') and fill with gpproxy.search_spaces.initialise.materialise."
    rule = "must draw from its generator only, but it uses torch's global random state"
    _require(torch.equal(before, torch.get_rng_state()), space, "build", rule, advice)
    _require(isinstance(first, nn.Module), space, "build", f"must return a module, but returned {first!r}")
    states = [network.state_dict() for network in (first, again)]
    changed = [name for name, value in states[0].items() if not _equal(value, states[1].get(name))]
    rule = f"must give equal weights for equal generators, but {', '.join(changed[:3])} came out different"
    _require(not changed, space, "build", rule, advice)


def _check_meta(space: SearchSpace, architecture: Architecture) -> nn.Module:
    with _method(space, "build with generator None"):
        network = space.build(architecture, None)
    held = [*network.named_parameters(), *network.named_buffers()]
    real = [name for name, value in held if not value.is_meta]
    rule = f"must stay on the meta device where its generator is None, but {', '.join(real[:3])} has memory"
    advice = "Build under torch.device('meta') and return before the weights are drawn."
    _require(not real, space, "build", rule, advice)
    return network


def _check_batch(space: SearchSpace) -> Batch:
    with _method(space, "batch"):
        batch, again = (space.batch(2, numbered(0)) for _ in range(2))
    advice = "Write Batch(inputs), with Batch from gpproxy.search_spaces."
    _require(isinstance(batch, Batch), space, "batch", f"must return a Batch, but returned {_shape(batch)}", advice)
    with _method(space, "batch returned a Batch whose tensors cannot be listed: it"):
        pairs = list(zip(_tensors(batch), _tensors(again)))
        floats = any(tensor.is_floating_point() for tensor in _tensors(Batch(batch.inputs)))
    _require(floats, space, "batch", "must hold a tensor of floats among its inputs")
    for tensor, _ in pairs:
        rule = f"must hold as many samples as it was asked for, but for 2 it holds {_shape(tensor)}"
        _require(tensor.ndim > 0 and len(tensor) == 2, space, "batch", rule)
    rule = f"must have inputs of one axis or more per sample, but they are {_shape(batch.visible)}"
    _require(batch.visible.ndim > 1, space, "batch", rule)
    same = all(_equal(*pair) for pair in pairs)
    _require(same, space, "batch", "must draw from its generator only, but two equal ones differ")
    return batch


def _tensors(batch: Batch) -> list[Tensor]:
    found: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    batch.each(keep)
    return found


def _check_shapes(space: SearchSpace, network: nn.Module, batch: Batch) -> None:
    """Whether the space says of itself what is so."""
    shapes = {"input_shape": batch.visible, "image_shape": batch.to("meta").call(network)}
    for name, tensor in shapes.items():
        with _method(space, name):
            said = tuple(getattr(space, name))
        found = tuple(tensor.shape[1:])
        _require(said == found, space, name, f"must be the shape that there is, {found}, but is {said}")
    kinds = get_args(Takes)
    rule = f"must be one of {', '.join(kinds)}, but is {space.takes!r}"
    _require(space.takes in kinds, space, "takes", rule)


def _check_pass(space: SearchSpace, network: nn.Module, batch: Batch) -> None:
    """Shapes only: what an architecture does with numbers is seen when it is looked at."""
    with _method(space, "the forward pass, on the meta device, of what build returned"), torch.no_grad():
        outputs = batch.to("meta").call(network)
    rule = f"must return a module that gives a tensor with one output per input, but for 2 it gave {_shape(outputs)}"
    _require(isinstance(outputs, Tensor) and outputs.ndim > 1 and len(outputs) == 2, space, "build", rule)
    with _method(space, "loss"), torch.no_grad():
        loss = space.loss(torch.zeros(outputs.shape), batch)
    rule = f"must return a tensor with one number and no dimension, but returned {_shape(loss)}"
    _require(isinstance(loss, Tensor) and loss.ndim == 0, space, "loss", rule)


def _shape(value: object) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _equal(value: Tensor, other: Tensor | None) -> bool:
    """Whether two tensors are the same, NaN equal to NaN."""
    return other is not None and torch.equal(value.nan_to_num(), other.nan_to_num())


def _require(holds: bool, space: SearchSpace, method: str, rule: str, advice: str = "") -> None:
    if not holds:
        raise SpaceError(f"The search space {space.name}: {method} {rule}. {advice}".rstrip())


@contextmanager
def _method(space: SearchSpace, method: str) -> Iterator[None]:
    """Turns what a method raises by mistake into a sentence with its name."""
    try:
        yield
    except GPProxyError:
        raise
    except Exception as error:
        text = str(error).split("\n")[0]
        raise SpaceError(f"The search space {space.name}: {method} raised {type(error).__name__}: {text}") from error


def make_space(name: str, settings: Mapping[str, Any] | None = None) -> SearchSpace:
    """A search space by name with its settings; one from a plug-in is checked first.

    Raises RegistryError, ConfigError, SpaceError: an unknown name or setting, a space that breaks its promises.
    """
    return check_once(SEARCH_SPACES[name](**(settings or {})))

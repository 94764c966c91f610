"""What stands around every pass: a network and a seed go in; the pass depends on them alone and leaves no trace.

Everything random inside is drawn from the seed, whatever has drawn before. Afterwards, also when the pass raises, the
network is as it was: parameters, buffers and plain attributes, gradients, flags, hooks; and so is every random state.
Only what objects that are no modules keep inside themselves is beyond this.

This file needs torch only: an exported proxy carries a copy of it.
"""

from __future__ import annotations

import copy
import operator
import random
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
import torch.utils.checkpoint
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parameter import UninitializedBuffer, is_lazy

from gpproxy.recording.members import Members


@contextmanager
def undisturbed(network: nn.Module, seed: int, kept: bool = False) -> Iterator[list[torch.Generator]]:
    """One pass, forward and backward: seeded, on plain kernels, and everything as it was afterwards. Gives the global
    generators that the network can draw from.

    Args:
        seed: of everything that the pass draws, from 0 on, below 2**63.
        kept: whether what the pass changes in the network stays, for a copy of the network that is made for it.
    """
    devices = devices_of(network)
    generators = generators_of(devices)
    with surroundings(devices), drawn(seed, generators):
        with nullcontext() if kept else restored(network):
            yield generators


@contextmanager
def surroundings(devices: set[torch.device]) -> Iterator[None]:
    """What the caller has switched on does not reach inside: no inference mode, no autocast; nothing is compiled or
    checkpointed; attention is written out, since its fused forms have no second derivatives and none in forward mode.

    Args:
        devices: those of the network.
    """
    with ordinary(), ExitStack() as stack:
        for kind in {"cpu", *(device.type for device in devices)} - {"meta"}:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        stack.callback(torch.backends.mha.set_fastpath_enabled, fast)
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        stack.enter_context(_without_checkpoints())
        yield


@contextmanager
def ordinary() -> Iterator[None]:
    """Outside of inference mode, whose tensors cannot be differentiated by; gradients stay on or off."""
    graded = torch.is_grad_enabled()
    with torch.inference_mode(False), torch.set_grad_enabled(graded):
        yield


@contextmanager
def restored(network: nn.Module) -> Iterator[None]:
    """Whatever happens to the network inside is undone."""
    tensors: dict[int, Tensor] = {}
    undo: list[Callable[[], Any]] = []
    for _, module in Members(network).modules:
        undo += _undo_of_attributes(module, tensors)
    undo += [_undo_of_tensor(tensor) for tensor in tensors.values()]  # last: attributes hold them
    try:
        yield
    finally:
        for step in undo:
            step()


def _tensors_of(network: nn.Module) -> Iterator[Tensor]:
    """Parameters, buffers, and tensors that modules hold as plain attributes or in lists and dicts."""
    found: dict[int, Tensor] = {}
    for module in network.modules():
        _undo_of_attributes(module, found)
    yield from found.values()


def _undo_of_tensor(tensor: Tensor) -> Callable[[], None]:
    saved = None if is_lazy(tensor) else tensor.detach().clone()
    differentiable, attributes = tensor.requires_grad, dict(vars(tensor))
    slope = tensor.grad if tensor.is_leaf else None
    kept = None if slope is None else slope.detach().clone()

    def undo() -> None:
        if saved is not None:
            # Through .data: autograd must not see a change, the values are as they were.
            if tensor.shape == saved.shape:
                tensor.data.copy_(saved)
            else:
                tensor.data = saved
        vars(tensor).clear()
        vars(tensor).update(attributes)
        if tensor.is_leaf:
            if tensor.requires_grad != differentiable:
                tensor.requires_grad_(differentiable)
            if slope is not None and kept is not None:
                slope.data.copy_(kept)
            if tensor.grad is not slope:
                tensor.grad = slope

    return undo


#: What modules hold their parts and hooks in.
_CONTAINERS = frozenset((dict, OrderedDict, list, set))
#: Attributes without anything inside.
_PLAIN = frozenset((bool, int, float, str, type(None)))


def _undo_of_attributes(module: nn.Module, tensors: dict[int, Tensor]) -> list[Callable[[], Any]]:
    """For the attributes of one module, with what its lists, dicts and random generators hold; its tensors are added to
    `tensors`, by their ids."""
    if isinstance(module, torch.jit.ScriptModule):  # its attributes lie outside of Python
        tensors.update((id(t), t) for t in (*module.parameters(recurse=False), *module.buffers(recurse=False)))
        return []
    own = vars(module)
    saved = dict(own)
    empty: list[Any] = []  # most of what a module has is: lists of hooks
    containers: list[tuple[Any, tuple[Any, ...]]] = []
    undo: list[Callable[[], Any]] = []
    for value in saved.values():
        kind = type(value)
        if kind in _PLAIN:
            continue
        if kind in _CONTAINERS and not value:
            empty.append(value)
            continue
        inside: tuple[Any, ...] = ()
        if isinstance(value, (dict, list, set)):
            inside = _contents(value)
            containers.append((value, inside))
        elif isinstance(value, tuple):
            inside = value
        elif isinstance(value, Tensor):
            inside = (value,)
        elif isinstance(value, torch.Generator):
            undo.append(partial(value.set_state, value.get_state()))
        elif isinstance(value, random.Random):
            undo.append(partial(value.setstate, value.getstate()))
        for part in inside:
            if isinstance(part, Tensor):
                tensors[id(part)] = part

    def attributes() -> None:
        if own.keys() != saved.keys():
            for name in own.keys() - saved.keys():
                del own[name]
        own.update(saved)
        for held in empty:
            if held:
                held.clear()
        for held, kept in containers:
            now = _contents(held)
            # What is as it was is left alone: some refuse every change, such as the frozen settings of a model.
            if len(now) != len(kept) or not all(map(operator.is_, now, kept)):
                held.clear()
                if isinstance(held, dict):
                    held.update(zip(kept[: len(kept) // 2], kept[len(kept) // 2 :]))
                else:
                    (held.extend if isinstance(held, list) else held.update)(kept)

    return [attributes, *undo]


def _contents(held: Any) -> tuple[Any, ...]:
    """What a list or set holds, or the keys and then the values of a dict."""
    return (*held, *held.values()) if isinstance(held, dict) else tuple(held)


def devices_of(network: nn.Module) -> set[torch.device]:
    """Where parameters and buffers are."""
    return {tensor.device for tensor in Members(network).tensors}


def frozen_whole(network: nn.Module) -> list[nn.Parameter]:
    """All parameters of floats where none has a gradient, as while another network is trained; what has none in a part
    of a network, such as a fixed filter, is meant to have none."""
    parameters = [parameter for parameter in network.parameters() if parameter.is_floating_point()]
    return [] if any(parameter.requires_grad for parameter in parameters) else parameters


def generators_of(devices: set[torch.device]) -> list[torch.Generator]:
    """The global generators that a network can draw from: that of the CPU and those of its own devices."""
    found = [torch.default_generator]
    for device in devices:
        if device.type in ("cpu", "meta"):
            continue
        kind = getattr(torch, device.type)
        if hasattr(kind, "default_generators"):
            found.append(kind.default_generators[kind.current_device() if device.index is None else device.index])
        elif hasattr(kind, "_get_default_mps_generator"):
            found.append(kind._get_default_mps_generator())
    return found


@contextmanager
def drawn(seed: int, generators: list[torch.Generator]) -> Iterator[None]:
    """Everything that is drawn inside without a generator of its own comes from the seed, by torch on its devices, by
    Python and by NumPy; what they would have drawn next is left to them."""
    numpy = sys.modules.get("numpy")  # never imported here: a network that draws from it has done so
    states = [generator.get_state() for generator in generators]
    python = random.getstate()
    array = numpy.random.get_state() if numpy is not None else None
    try:
        for generator in generators:
            generator.manual_seed(seed)
        random.seed(seed)
        if numpy is not None:
            numpy.random.seed(seed % 2**32)
        yield
    finally:
        for generator, state in zip(generators, states):
            generator.set_state(state)
        random.setstate(python)
        if numpy is not None:
            numpy.random.set_state(array)


@contextmanager
def _without_checkpoints() -> Iterator[None]:
    """Checkpointed parts run once, as ordinary ones: a second run of theirs in a backward pass would not be recorded,
    and the older kind has no gradients but those of `backward()`."""

    class Direct:
        @staticmethod
        def apply(function: Callable[..., Any], preserve: bool, *arguments: Any) -> Any:
            return function(*arguments)

    def once(*arguments: Any, **options: Any) -> Iterator[None]:
        yield

    place: Any = torch.utils.checkpoint
    stand_ins: dict[str, Any] = {"CheckpointFunction": Direct}
    # Its name has a further ending in some versions of torch.
    stand_ins |= {name: once for name in vars(place) if name.startswith("_checkpoint_without_reentrant_generator")}
    before = {name: getattr(place, name) for name in stand_ins if hasattr(place, name)}
    try:
        for name in before:
            setattr(place, name, stand_ins[name])
        yield
    finally:
        for name, value in before.items():
            setattr(place, name, value)


# --- networks that cannot be looked at as they are


def duplicate(network: nn.Module) -> nn.Module:
    """A deep copy, also of what torch does not copy: computed weights that modules keep, and tensors that were made in
    inference mode, which become ordinary ones. What Python cannot copy, such as a lock, is shared."""
    memo: dict[int, Any] = {}
    with torch.inference_mode(False):
        for tensor in _tensors_of(network):
            if isinstance(tensor, UninitializedBuffer):
                memo[id(tensor)] = UninitializedBuffer(device=tensor.device, dtype=tensor.dtype)  # type: ignore[call-arg]
            elif id(tensor) not in memo and (_of_inference(tensor) or not tensor.is_leaf):
                made: Tensor = tensor.detach().clone()
                if isinstance(tensor, nn.Parameter):
                    made = nn.Parameter(made, tensor.requires_grad)
                memo[id(tensor)] = made
        try:
            return copy.deepcopy(network, dict(memo))
        except (TypeError, NotImplementedError):
            for module in network.modules():
                for value in vars(module).values():
                    if not isinstance(value, (Tensor, nn.Module, dict, list, tuple)):
                        try:
                            copy.deepcopy(value)
                        except (TypeError, NotImplementedError):
                            memo[id(value)] = value
            return copy.deepcopy(network, memo)


def usable(network: nn.Module) -> nn.Module:
    """The network itself, or what can be differentiated in its place: of a compiled one what was compiled, of one that
    was made in inference mode a copy."""
    network = getattr(network, "_orig_mod", network)
    tensors = [*network.parameters(), *network.buffers()]
    return duplicate(network) if any(_of_inference(tensor) for tensor in tensors) else network


def _of_inference(tensor: Tensor) -> bool:
    return not is_lazy(tensor) and tensor.is_inference()


def complete(network: nn.Module, run: Callable[[nn.Module], object], seed: int) -> nn.Module:
    """The network itself, or of one with lazy layers a copy whose missing weights are drawn from the seed.

    Args:
        run: calls a network with a batch.
    """
    if not any(map(is_lazy, [*network.parameters(), *network.buffers()])):
        return network
    made = duplicate(network)
    with torch.no_grad(), undisturbed(made, seed, kept=True):
        run(made)
    for module in made.modules():  # what that batch has left in running means is none of theirs
        if isinstance(module, nn.modules.batchnorm._NormBase):
            module.reset_running_stats()
    return made

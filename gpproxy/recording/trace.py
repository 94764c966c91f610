"""Where the tensors of a pass come from, and which of their axes counts the samples.

In: what a pass starts from, then tensors and where they come from. Out: the trace of any tensor of the pass.

This file needs torch only: an exported proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gpproxy.recording.members import Members


@dataclass(frozen=True, slots=True)
class Part:
    """A tensor that a rectifier may be made of by hand (`gpproxy.recording.rectifiers`).

    Attributes:
        kind: `sigmoid` of a value; `above` or `below`: where it is more or less than zero; its `absolute` value; a
            `multiple` of it; `zero`.
        value: refers to it; None of zeros.
        value_version, version: of the value as it was then, and of the tensor itself.
        factor: of a multiple, what the value was multiplied by.
    """

    kind: str
    value: Callable[[], Tensor | None] | None
    value_version: int
    version: int
    factor: Any = None

    def is_of(self, tensor: Tensor) -> bool:
        """Whether it belongs to a tensor as that is now."""
        return self.value is not None and self.value() is tensor and self.value_version == tensor._version


class Trace:
    """Where a tensor of a pass comes from.

    Attributes:
        run: what tells the pass apart that this holds for.
        data: whether it depends on the batch.
        parameters: numbers of the parameters that it depends on by other ways than through a layer.
        maker: number of the layer whose output (normalised or not) it is, or -1.
        rectifier: number of the rectifier whose output it is, or -1.
        axis: the axis that counts the samples, alone or as the outer one of merged axes; or -n where they stand in the
            first axis as the inner one, n positions each.
        source: what a convolution with a padding of its own was given before it was padded.
        visible: whether it depends on what is visible of the batch, and not on a condition alone.
        part: what part of a rectifier that is written by hand it may be.
    """

    __slots__ = ("axis", "data", "maker", "parameters", "part", "rectifier", "run", "source", "visible")

    def __init__(
        self,
        run: object,
        data: bool,
        parameters: frozenset[int],
        maker: int = -1,
        rectifier: int = -1,
        axis: int = 0,
        source: Any = None,
        visible: bool | None = None,
        part: Part | None = None,
    ):
        self.run, self.data, self.parameters = run, data, parameters
        self.maker, self.rectifier, self.axis, self.source = maker, rectifier, axis, source
        self.visible, self.part = data if visible is None else visible, part


class Traces:
    """The traces of all tensors of one pass.

    Args:
        members: of the network that is called.
        inputs: the tensors that it is called with.
        visible: of these, what an image is made of; None: all of them.
        samples: size of the batch.
    """

    def __init__(self, members: Members, inputs: Iterable[Tensor], visible: Tensor | None, samples: int):
        self.samples, self._run = samples, object()
        self.constant = Trace(self._run, False, frozenset())
        self.plain = Trace(self._run, True, frozenset())  # of what depends on the batch, and on no parameter
        self._told = Trace(self._run, True, frozenset(), visible=False)
        outside = {id(one): self.plain if visible is None or one is visible else self._told for one in inputs}
        outside.update({id(buffer): self.constant for _, buffer in members.buffers})
        parameters = enumerate(members.parameters)
        outside.update({id(p): Trace(self._run, False, frozenset((i,))) for i, (_, p) in parameters})
        self._outside: dict[int, Trace] = outside

    def from_outside(self, tensor: Tensor) -> bool:
        """Whether it is an input, a buffer or a parameter itself."""
        return id(tensor) in self._outside

    def origin(self, tensor: Tensor) -> Trace:
        """Where a tensor comes from; what nothing is known of is a constant."""
        found = self._outside.get(id(tensor)) or getattr(tensor, "_gpproxy_trace", None)
        return found if found is not None and found.run is self._run else self.constant

    def made(self, data: bool, parameters: frozenset[int], *where: Any, **more: Any) -> Trace:
        """A new trace of this pass."""
        return Trace(self._run, data, parameters, *where, **more)

    def joined(self, tensors: list[Tensor]) -> Trace:
        """Where what is made of some tensors comes from."""
        data, visible, parameters, axis = False, False, frozenset[int](), 0
        for tensor in tensors:
            found = self.origin(tensor)
            if found.data and not data:
                data, axis = True, found.axis
            visible = visible or found.visible
            if found.parameters:
                parameters = parameters | found.parameters if parameters else found.parameters
        if not parameters and not axis:
            return self.plain if visible else self._told if data else self.constant
        return Trace(self._run, data, parameters, axis=axis, visible=visible)

    def set(self, tensor: Tensor, trace: Trace) -> None:
        """Notes where a tensor comes from; parameters, buffers and inputs stay what they are."""
        if id(tensor) not in self._outside:
            tensor._gpproxy_trace = trace  # type: ignore[attr-defined]

    def mark(self, output: Any, trace: Trace, given: Any = ()) -> None:
        """Notes where an output comes from; what is handed through as it is keeps what is known of it."""
        if isinstance(output, Tensor):
            if not any(output is tensor for tensor in given):
                self.set(output, trace)
        elif isinstance(output, (tuple, list)):
            for part in output:
                self.mark(part, trace, given)

    def sample_axis(self, value: Tensor) -> int | None:
        """The axis that counts the samples; None where none does."""
        axis = self.origin(value).axis
        if axis > 0:
            return axis
        if value.ndim < 2 and not (value.ndim and len(value) == self.samples and not value.is_floating_point()):
            return None
        if value.ndim > 2 and value.shape[1] == self.samples and len(value) % self.samples:
            return 1
        return 0


def moved(name: str, args: Any, kwargs: Any, axis: int, value: Tensor, output: Tensor, samples: int) -> int:
    """The axis of the samples in the output of an operation, from that in its input; 0 where that is lost."""
    count = value.ndim
    if name in ("transpose", "transpose_", "swapaxes", "swapdims"):
        first, second = (_argument(args, kwargs, i, ("dim0", "dim1", "axis0", "axis1")[i - 1 :: 2]) for i in (1, 2))
        first, second = first % count, second % count
        axis = second if axis == first else first if axis == second else axis
    elif name == "permute":
        given = args[1:] or (kwargs["dims"],)
        order = given[0] if isinstance(given[0], (tuple, list)) else given
        axis = [i % count for i in order].index(max(axis, 0))
    elif name in ("movedim", "moveaxis"):
        sources, targets = (_listed(_argument(args, kwargs, i, (n,))) for i, n in ((1, "source"), (2, "destination")))
        places = dict(zip((i % count for i in targets), (i % count for i in sources)))
        rest = iter(i for i in range(count) if i not in places.values())
        axis = [places[i] if i in places else next(rest) for i in range(count)].index(max(axis, 0))
    elif name in ("t", "T", "H") or name in ("mT", "mH") and count == 2:
        axis = count - 1 - max(axis, 0)
    elif name in ("mT", "mH"):
        axis = {count - 1: count - 2, count - 2: count - 1}.get(axis, axis)
    elif name == "unsqueeze":
        axis += _argument(args, kwargs, 1, ("dim",)) % (count + 1) <= axis
    elif name == "squeeze" and output.ndim < count and axis > 0:
        given = args[1] if len(args) > 1 else kwargs.get("dim", [i for i in range(count) if value.shape[i] == 1])
        axis -= sum(i % count < axis and value.shape[i] == 1 for i in _listed(given))
    elif name in ("unbind", "select", "__getitem__") and output.ndim < count and axis > 0:
        axis -= 1
    elif axis and output.shape != value.shape:
        if axis < 0 and output.ndim > 1 and output.shape[1] == -axis * samples:
            axis = 1 if len(output) * output.shape[1] == len(value) else axis
        elif axis == 1 and output.ndim and len(value) and len(output) % (len(value) * samples) == 0:
            each = len(output) // len(value)  # what else stood in that axis, such as heads, has become channels
            axis = -(each // samples) if each and value.shape[1] % each == 0 else axis
    if axis < 0:
        return axis if output.ndim and len(output) % (-axis * samples) == 0 else 0
    return axis if axis < output.ndim and output.shape[axis] % samples == 0 else 0


def _argument(args: Any, kwargs: Any, place: int, names: tuple[str, ...]) -> Any:
    if place < len(args):
        return args[place]
    return next(kwargs[name] for name in names if name in kwargs)


def _listed(value: Any) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)

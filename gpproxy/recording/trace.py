"""Where the tensors of a pass come from, and which of their axes counts the samples.

This file needs torch only: an exported proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

#: In the place of an axis: the samples stand in the first axis, merged with another as the inner of the two.
INNER = -1


class Trace:
    """Where a tensor of a pass comes from.

    Attributes:
        run: what tells the pass apart that this holds for.
        data: whether it depends on the batch.
        parameters: numbers of the parameters that it depends on by other ways than through a layer.
        maker: number of the layer whose output (normalised or not) it is, or -1.
        rectifier: number of the rectifier whose output it is, or -1.
        axis: the axis that counts the samples, alone or as the outer one of merged axes; or INNER.
        source: what a convolution with a padding of its own was given before it was padded.
        visible: whether it depends on what is visible of the batch, and not on a condition alone.
    """

    __slots__ = ("axis", "data", "maker", "parameters", "rectifier", "run", "source", "visible")

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
    ):
        self.run, self.data, self.parameters = run, data, parameters
        self.maker, self.rectifier, self.axis, self.source = maker, rectifier, axis, source
        self.visible = data if visible is None else visible


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
        if axis == INNER and output.ndim > 1 and len(output) * output.shape[1] == len(value):
            axis = 1
        elif axis == 1 and output.ndim and len(output) == len(value) * samples:
            axis = INNER
    if axis == INNER:
        return axis if output.ndim and len(output) % samples == 0 else 0
    return axis if axis < output.ndim and output.shape[axis] % samples == 0 else 0


def _argument(args: Any, kwargs: Any, place: int, names: tuple[str, ...]) -> Any:
    if place < len(args):
        return args[place]
    return next(kwargs[name] for name in names if name in kwargs)


def _listed(value: Any) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)

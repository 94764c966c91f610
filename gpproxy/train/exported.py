"""A trained generator as a file for other programs: a program of torch.export, or ONNX.

In: the folder of a training. Out: `generator.pt2` or `generator.onnx` in it, with the weights of the best check in
evaluation mode, for any number of samples. What was written is read back and compared with the generator itself; for
ONNX that needs onnxruntime, else the file is only checked for its form.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError, RunError
from gpproxy.registry import load_plugin
from gpproxy.run.kind import CONFIG
from gpproxy.run.reading import reading
from gpproxy.search_spaces.batch import Batch
from gpproxy.seeds import numbered
from gpproxy.tasks.registry import open_task
from gpproxy.tasks.task import Task
from gpproxy.train.folder import TrainFolder
from gpproxy.training.checkpoint import BEST
from gpproxy.training.draw import trained

#: Kinds of files with their names in a training folder.
FILES = {"torch": "generator.pt2", "onnx": "generator.onnx"}
#: How far the values of a file may be from those of the generator, as a share of the largest.
CLOSE = 1e-4
#: Samples that a file is made with, and another number that it is compared on.
SAMPLES, OTHERS = 2, 3


def generator_of(folder: str | Path, device: str = "cpu") -> tuple[nn.Module, Task]:
    """The generator with the weights of its best check, in evaluation mode, and the task that it was trained for.

    Raises RunError where the folder is none of a training, or holds no weights yet.
    """
    place = TrainFolder.open(folder)
    settings = place.config
    if not (place.path / BEST).is_file():
        raise RunError(f"{place.path} has no {BEST}: the training did not reach a check. Continue it with --resume.")
    for plugin in settings.plugins:
        load_plugin(plugin)
    with reading(place.path / CONFIG, "Take it from a copy of the training.", ConfigError):
        task = open_task(settings)
        code = task.code(settings.arch)
    try:
        return trained(task.space, code, place.path / BEST, device).eval(), task
    except (RuntimeError, TypeError) as error:  # what torch says of sizes that no memory holds
        raise ConfigError(f"{place.path / CONFIG} is of a generator that cannot be built: {error}.") from error


def export(folder: str | Path, kind: str) -> Path:
    """Writes the generator of a training as a file of a kind of `FILES`, and returns its path.

    Raises ConfigError for an unknown kind and where a package is missing, RunError for a generator that cannot be
    written so, or whose file says something else than the generator.
    """
    if kind not in FILES:
        raise ConfigError(f"export={kind} is none of {', '.join(FILES)}.")
    network, task = generator_of(folder)
    network = network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    batch, other = task.space.batch(SAMPLES, numbered(0)), task.space.batch(OTHERS, numbered(1))
    given, known = _call(batch), _call(other)
    program = _Named(network, _flags(batch)).eval() if given[1] else network
    path = Path(folder) / FILES[kind]
    count = torch.export.Dim("samples", min=1)
    write = _torch if kind == "torch" else _onnx
    try:
        found = write(program, given, count, path, known)
    except ImportError as error:
        raise ConfigError(f"export=onnx needs a package: {error}. Install it with: pip install gpproxy[onnx]") from None
    except (RuntimeError, TypeError, ValueError, torch.onnx.errors.OnnxExporterError) as error:
        reason = str(error).strip().split("\n")[0]
        raise RunError(f"This generator cannot be written for {kind}: {reason}") from error
    with torch.no_grad():
        wanted = program(*known[0], **known[1])
    if found is not None and not bool((found - wanted).abs().max() <= CLOSE * wanted.abs().max().clamp_min(1e-6)):
        path.unlink()
        raise RunError(f"The file for {kind} has other values than the generator, so it is not kept.")
    return path


class _Named(nn.Module):
    """A generator that takes its tensors by name, and always the same flags."""

    def __init__(self, network: nn.Module, flags: dict[str, Any]):
        super().__init__()
        self.network, self.flags = network, flags

    def forward(self, **tensors: Tensor) -> Tensor:
        return self.network(**tensors, **self.flags)


#: Tensors of a call by position, and by name; one of both is empty.
Call = tuple[tuple[Tensor, ...], dict[str, Tensor]]


def _call(batch: Batch) -> Call:
    """What a file is called with: all tensors by name where the generator takes each of them so, else in order."""
    given = batch.arguments
    names = {name: one for name, one in given.items() if isinstance(one, Tensor)} if isinstance(given, dict) else {}
    return ((), names) if len(names) == len(batch.tensors) else (tuple(batch.tensors), {})


def _flags(batch: Batch) -> dict[str, Any]:
    """What a call by name is given beside the tensors."""
    return {name: one for name, one in batch.arguments.items() if not isinstance(one, Tensor)}


def _shapes(given: Call, count: Any) -> Any:
    """Which axes count the samples, as torch.export is told."""
    args, names = given
    if names:
        return {"tensors": {name: {0: count} if one.ndim else None for name, one in names.items()}}
    return tuple({0: count} if one.ndim else None for one in args)


def _torch(network: nn.Module, given: Call, count: Any, path: Path, other: Call) -> Tensor:
    """Writes the program; what the file, read back, makes of other samples."""
    with torch.no_grad():
        torch.export.save(torch.export.export(network, *given, dynamic_shapes=_shapes(given, count)), path)
        args, names = other
        return torch.export.load(path).module()(*args, **names)


def _onnx(network: nn.Module, given: Call, count: Any, path: Path, other: Call) -> Tensor | None:
    """Writes the graph as one file; what onnxruntime makes of other samples, None without it."""
    import onnx

    args, names = given
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, args, str(path), kwargs=names, dynamo=True, dynamic_shapes=_shapes(given, count),
            external_data=False, verbose=False,
        )  # fmt: skip
    onnx.checker.check_model(str(path))
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs = [one.name for one in session.get_inputs()]
    args, names = other
    fed = {name: names[name] for name in inputs} if names else dict(zip(inputs, args))
    return torch.from_numpy(session.run(None, {name: one.numpy() for name, one in fed.items()})[0])

"""The two files of a training that hold tensors: its state to continue from, and the weights of its best check.

In: nested dicts of tensors and plain values. Out: the same, bit for bit. The state is a PyTorch file that is read with
`weights_only`, so that it can run no code; weights are safetensors.
"""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from gpproxy.errors import RunError
from gpproxy.files import write_atomically
from gpproxy.run.reading import DAMAGED, reading

STATE, BEST = "last.pt", "best.safetensors"

#: What to do about a damaged state.
ANEW = "Remove the file to train from the start."
#: What parts of a state were called by version 0.1, whose unfinished trainings are still continued.
RENAMED = {"game": "objective", "draws": "generator_optimiser", "judges": "discriminator_optimiser"}


def save_state(folder: Path, state: Mapping[str, Any]) -> Path:
    """Replaces the state in a folder; a killed process leaves the old one or the new one."""
    data = io.BytesIO()
    torch.save(dict(state), data)
    write_atomically(folder / STATE, data.getvalue())
    return folder / STATE


def load_state(folder: Path) -> dict[str, Any] | None:
    """The state in a folder, its tensors on the CPU; None where there is none. Raises RunError for a broken file."""
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (*DAMAGED, RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise RunError(f"{path} is damaged: {error}. {ANEW}") from error
    with reading(path, ANEW):
        state = {RENAMED.get(name, name): part for name, part in state.items()}
        if (inside := state.get("objective")) is not None:
            state["objective"] = {RENAMED.get(name, name): part for name, part in inside.items()}
    return state


def save_weights(path: Path, weights: Mapping[str, Tensor], about: Mapping[str, Any]) -> Path:
    """Replaces a file of weights, with JSON on what they are; equal content gives equal bytes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    # One entry: safetensors writes several in any order.
    write_atomically(path, safetensors.torch.save(tensors, metadata={"about": json.dumps(about)}))
    return path


def load_weights(path: Path) -> dict[str, Tensor]:
    """The weights of a file. Raises RunError when it is missing or broken."""
    try:
        return safetensors.torch.load(path.read_bytes())
    except FileNotFoundError:
        raise RunError(f"There are no weights at {path}. The training has not reached its first check.") from None
    except SafetensorError as error:
        raise RunError(f"{path} is no readable safetensors file: {error}.") from error

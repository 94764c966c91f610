"""An objective that fits into a test: generators of width 4 at 16 pixels, and images of noise."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from gpproxy.images.image_set import ImageSet
from gpproxy.search_spaces.autogan import AutoGAN
from gpproxy.tasks.registry import recipe
from gpproxy.tasks.settings import TrainingSettings
from gpproxy.tasks.task import Task
from gpproxy.tasks.unconditional import Adversarial, Unconditional, adversarial
from gpproxy.training.checkpoint import BEST, load_state
from gpproxy.training.outcome import Outcome, outcome
from gpproxy.training.recipe import AdversarialRecipe

SPACE = AutoGAN(width=4, latent=8, resolution=16)
#: With BatchNorm, deconvolutions, shortcuts and skips.
CODE = "1111-11211-10103"


def images(count: int = 40) -> ImageSet:
    random = torch.Generator().manual_seed(7)
    return ImageSet("noise", "train", torch.randint(0, 256, (count, 3, 16, 16), dtype=torch.uint8, generator=random))


def small(**changes: Any) -> AdversarialRecipe:
    """A recipe of a few steps."""
    return recipe("short", **{"steps": 8, "batch": 4, "recalibrate": 2, **changes})


def objective(seed: int = 0, code: str = CODE, **changes: Any) -> Adversarial:
    return adversarial(SPACE, code, images(), small(**changes), seed)


def task(how: AdversarialRecipe | None = None, learnt: ImageSet | None = None, device: str = "cpu") -> Unconditional:
    """A task of its own space, images and recipe, which measures the mean of the pixels of 12 images."""

    class Means(Unconditional):
        main = "FD"
        samples = 12

    made = Means(TrainingSettings(space="autogan", data="shapes", extractor="none", device=device))
    made.space, made.images, made.recipe = SPACE, learnt or images(), how or small()
    made.measure = lambda found: {"FD": float(found.float().mean())}
    return made


def flat(state: Any) -> list[Any]:
    """All tensors and plain values of a nested state, in order."""
    if isinstance(state, dict):
        return [one for key in state for one in [key, *flat(state[key])]]
    if isinstance(state, (list, tuple)):
        return [one for part in state for one in flat(part)]
    return [state]


def equal(first: Any, second: Any) -> bool:
    """Whether two nested states are equal bit for bit; NaN equals itself."""
    ours, theirs = flat(first), flat(second)
    pairs = zip(ours, theirs)
    same = (torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b or (a != a and b != b) for a, b in pairs)
    return len(ours) == len(theirs) and all(same)


def saved(state: Any) -> Any:
    """A state as it comes back from a file."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def goes_on(task: Task, code: str, folder: Path) -> Outcome:
    """Trains in one go in `folder`/whole, and with a stop after every step in `folder`/parts; both end alike."""
    for _ in task.train(code, 3, folder / "whole"):
        pass
    while outcome(folder / "parts") is None:
        for _ in task.train(code, 3, folder / "parts", lambda: True):
            pass
    states = [load_state(folder / name) for name in ("whole", "parts")]
    assert all(states) and equal(*(state["objective"] for state in states if state))
    weights = [(folder / name / BEST).read_bytes() for name in ("whole", "parts")]
    assert weights[0] == weights[1]
    whole, parts = (outcome(folder / name) for name in ("whole", "parts"))
    assert whole is not None and parts is not None and whole.curve == parts.curve
    return whole

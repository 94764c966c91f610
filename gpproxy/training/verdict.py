"""Whether a training is worth going on with: losses that are no numbers, and collapse, each with its reason.

In: the losses of every step and the images of every check. Out: `finished`, `collapsed` or `not finite`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from gpproxy.training.recipe import AdversarialRecipe, Recipe

FINISHED, COLLAPSED, NOT_FINITE = "finished", "collapsed", "not finite"


class Verdict:
    """Follows one training; `word` is empty until it must end, and `reason` then says why in a sentence.

    A training must end when a loss is not finite, when the discriminator loss stays below `recipe.collapse_loss` for
    `recipe.collapse_steps` steps, or for a quarter of the training where that is less (it has won, and the generator
    gets no gradients), or when the images of a check are all the same: their standard deviation over images is below
    `recipe.collapse_spread`.
    """

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.word = ""
        self.reason = ""
        self._low = 0
        #: discriminator loss that is low, and low ones in a row that are enough, so that short trainings can collapse
        self._least, self._enough = 0.0, 1
        if isinstance(recipe, AdversarialRecipe):
            self._least = recipe.collapse_loss
            self._enough = max(min(recipe.collapse_steps, recipe.steps // 4), 1)

    def losses(self, step: int, losses: Mapping[str, float]) -> None:
        """Takes in the losses of step `step`, counted from 0. The first verdict stays."""
        for name, value in losses.items():
            if not math.isfinite(value):
                return self._end(NOT_FINITE, f"The {name} loss of step {step + 1} is {value}.")
        self._low = self._low + 1 if losses.get("discriminator", math.inf) < self._least else 0
        if self._low >= self._enough:
            self._end(
                COLLAPSED, f"The discriminator loss was below {self._least:g} for {self._low} steps, to {step + 1}."
            )

    def weights(self, step: int, weights: Mapping[str, Tensor]) -> None:
        """Takes in what a check would keep after `step` steps."""
        for name, tensor in weights.items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                return self._end(NOT_FINITE, f"The weights {name} are not finite after step {step}.")

    def images(self, step: int, images: Tensor) -> None:
        """Takes in the images of a check after `step` steps, uint8 `sample x ...`."""
        found = spread(images)
        if found < self.recipe.collapse_spread:
            bound = f"they spread by {found:.4f}, under {self.recipe.collapse_spread:g}"
            self._end(COLLAPSED, f"All images are alike after step {step}: {bound}.")

    def _end(self, word: str, reason: str) -> None:
        if not self.word:
            self.word, self.reason = word, reason

    def state_dict(self) -> dict[str, Any]:
        return {"word": self.word, "reason": self.reason, "low": self._low}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.word, self.reason, self._low = state["word"], state["reason"], state["low"]


def spread(images: Tensor) -> float:
    """Standard deviation over images, root mean square over pixels, with pixels from -1 to 1; 0 when all are one.

    Args:
        images: uint8 `sample x ...`, two at least.
    """
    return float((images.flatten(1).double() / 127.5).var(0).mean().sqrt())

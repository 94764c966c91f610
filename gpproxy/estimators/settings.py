"""Settings of shared weights, for every command that trains them. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gpproxy.run.settings import parse_settings, setting

#: Estimators that look something up that lies on this machine; no other one does it for them.
HERE = ("table", "shared")
RESETS = ("deviation", "variance", "none")
REWARDS = ("score", "distance", "both")


@dataclass(frozen=True)
class SharedWeights:
    """Weights that all architectures share, of the estimator shared.

    Attributes:
        shared_recipe: preset of their training, in which every batch trains another architecture; by default that of
            the space's publication, autogan-search or eagan-search.
        shared_steps: generator updates of their training; 0 takes the recipe's.
        shared_settings: value of that recipe, such as batch=32 or growth=none.
        reset: what of the losses in a window must be small for a dynamic reset: deviation (as published) or variance
            (as released); none never resets.
        reset_window: steps in that window.
        reset_below: what it must be below.
        reward: measure of the images; score (Inception Score, CS of another extractor), distance (the inverse of FID,
            FD of another extractor) or both, of which the mean rank counts, and in the strategy nsga2 each by itself.
        reward_images: images that it is measured on.
    """

    shared_recipe: str = setting("")
    shared_steps: int = setting(0, least=0)
    shared_settings: tuple[str, ...] = setting((), pairs=True)
    reset: Literal["deviation", "variance", "none"] = setting("deviation", known=RESETS)
    reset_window: int = setting(500, least=2)
    reset_below: float = setting(1e-3, above=0)
    reward: Literal["score", "distance", "both"] = setting("score", known=REWARDS)
    reward_images: int = setting(5000, least=20)

    @property
    def recipe_changes(self) -> dict[str, int | float | str]:
        """What differs from the preset, as `Recipe.changed` takes it."""
        steps = {"steps": self.shared_steps} if self.shared_steps else {}
        return {**parse_settings(self.shared_settings, "shared_settings"), **steps}

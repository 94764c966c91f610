"""Dynamic reset: shared networks whose losses no longer move have collapsed and begin anew (Gong et al., 2019).

In: the losses of every step. Out: whether a reset is due. The paper names the standard deviation of the losses in a
window, its code compares their variance with the same bound.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Mapping
from typing import Any

from gpproxy.estimators.settings import SharedWeights


class Reset:
    """Watches the losses of a window of steps.

    Args:
        how: which spread, over how many steps, below what.
    """

    def __init__(self, how: SharedWeights):
        self.how = how
        self._window: deque[tuple[float, float]] = deque(maxlen=how.reset_window)
        #: steps after which the networks began anew
        self.at: list[int] = []

    def see(self, discriminator: float, generator: float) -> None:
        """Takes in the losses of a step."""
        if self.how.reset != "none":
            self._window.append((discriminator, generator))

    @property
    def due(self) -> bool:
        """Whether the window is full and one of the losses hardly moves in it."""
        if self.how.reset == "none" or len(self._window) < self.how.reset_window:
            return False
        spread = statistics.pstdev if self.how.reset == "deviation" else statistics.pvariance
        return any(spread(losses) < self.how.reset_below for losses in zip(*self._window))

    def done(self, step: int) -> None:
        """The networks began anew after a step."""
        self.at.append(step)
        self._window.clear()

    def state_dict(self) -> dict[str, Any]:
        return {"window": [list(pair) for pair in self._window], "at": list(self.at)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._window = deque(((d, g) for d, g in state["window"]), maxlen=self.how.reset_window)
        self.at = list(state["at"])

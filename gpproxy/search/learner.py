"""Controllers that learn, level by level: what the strategy `controller` and the search with shared weights have in
common.

In: the tokens of a space, rewards of what was drawn. Out: draws, and for each level the best prefixes that the next one
begins from (beam search). Multi-level as published, one controller per level, or single-level, one for all tokens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from gpproxy.search.controller import Controller, Start
from gpproxy.search.reinforce import corrected, moved, published, spread
from gpproxy.search.settings import ControllerSettings
from gpproxy.seeds import reseed
from gpproxy.training.optimiser import Optimiser


@dataclass(frozen=True)
class Draw:
    """What a controller has emitted.

    Attributes:
        tokens: of all levels so far.
        own: of the present level alone.
        kept: number of the prefix that it began from.
    """

    tokens: tuple[int, ...]
    own: tuple[int, ...]
    kept: int


@dataclass(frozen=True)
class Kept:
    """A prefix that the next level begins from: its tokens, its reward and the state of the controller behind it."""

    tokens: tuple[int, ...]
    reward: float
    start: Start


class Learner:
    """One controller at a time.

    Args:
        levels: choices of each decision, level by level.
        how: loss, rates and beam.
        seed: of the controllers and their draws.
    """

    def __init__(self, levels: Sequence[Sequence[int]], how: ControllerSettings, seed: int):
        single = [tuple(size for sizes in levels for size in sizes)]
        self.levels = [tuple(sizes) for sizes in levels] if how.levels == "multi" else single
        self.how, self.seed, self.level = how, seed, 0
        self.beam = [Kept((), 0.0, Start.zero())]
        #: of the present level: rewards so far, updates, and the baseline
        self.rewards: list[float] = []
        self.updates = 0
        self._baseline: float | None = None
        self._baselines: torch.Tensor | None = None
        #: number, level, reward, baseline and entropy of every update
        self.history: list[dict[str, float]] = []
        self._open()

    @property
    def last(self) -> bool:
        """Whether the present level is the last one."""
        return self.level == len(self.levels) - 1

    def _open(self) -> None:
        self.controller = Controller(
            self.levels[self.level], reseed(torch.Generator(), self.seed, "controller", self.level)
        )
        # No betas are published for it but those of the generators' optimiser in the released code.
        self.optimiser = Optimiser(self.controller, rate=self.how.controller_rate, betas=(0.0, 0.9))

    def draw(self, *parts: object) -> Draw:
        """An architecture up to the present level: a function of the controller, the seed and the parts."""
        random = reseed(torch.Generator(), self.seed, "draw", self.level, *parts)
        kept = int(torch.randint(len(self.beam), (), generator=random))
        own = self.controller.draw(self.beam[kept].start, random)
        return Draw((*self.beam[kept].tokens, *own), own, kept)

    def begin_round(self) -> None:
        """A round of updates begins; as released the baseline begins with it."""
        if self.how.controller_loss == "published":
            self._baselines = None

    def learn(self, draws: Sequence[Draw], rewards: Sequence[float]) -> None:
        """One update from what was drawn and what it was worth; what is not finite counts as the worst so far."""
        finite = [one for one in (*self.rewards, *rewards) if math.isfinite(one)]
        worst = min(finite, default=0.0)
        how, losses, entropy = self.how, [], 0.0
        for draw, given in zip(draws, rewards, strict=True):
            reward = given if math.isfinite(given) else worst
            said = self.controller(draw.own, self.beam[draw.kept].start)
            entropy += float(said.entropies.detach().mean()) / len(draws)
            if how.controller_loss == "published":
                loss, self._baselines = published(
                    said.log_probabilities,
                    said.entropies,
                    reward,
                    self._baselines,
                    how.entropy_bonus,
                    how.baseline_decay,
                )
            else:
                unit = spread(self.rewards)
                self._baseline = moved(self._baseline, reward, how.baseline_decay)
                advantage = (reward - self._baseline) / unit
                loss = corrected(said.log_probabilities, said.entropies, advantage, how.entropy_bonus)
            self.rewards.append(reward)
            losses.append(loss)
        self.optimiser.descend(torch.stack(losses).mean())
        self.updates += 1
        found = sum(self.rewards[-len(draws) :]) / len(draws)
        self.history.append(
            {
                "update": len(self.history) + 1,
                "level": self.level + 1,
                "reward": found,
                "best": max(self.rewards),
                "entropy": entropy,
            }
        )

    def keep(self, draws: Sequence[Draw], rewards: Sequence[float]) -> list[Kept]:
        """The best of the draws by reward with the states behind them, the first of equals first; none twice, and none
        without a reward where another has one."""
        known = [i for i, reward in enumerate(rewards) if math.isfinite(reward)] or range(len(draws))
        order = sorted(known, key=lambda i: -rewards[i] if math.isfinite(rewards[i]) else 0.0)
        chosen: dict[tuple[int, ...], Kept] = {}
        for i in order:
            draw = draws[i]
            if draw.tokens not in chosen and len(chosen) < self.how.keep:
                with torch.no_grad():
                    end = self.controller(draw.own, self.beam[draw.kept].start).end
                chosen[draw.tokens] = Kept(draw.tokens, rewards[i], end)
        return list(chosen.values())

    def grow(self, draws: Sequence[Draw], rewards: Sequence[float]) -> None:
        """The next level, with a new controller that begins from the best of the draws."""
        self.beam = self.keep(draws, rewards)
        self.level += 1
        self.rewards, self.updates, self._baseline, self._baselines = [], 0, None, None
        self._open()

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next draw and update depend on: tensors and plain values."""
        return {
            "level": self.level,
            "beam": [[list(one.tokens), one.reward, *one.start] for one in self.beam],
            "rewards": list(self.rewards),
            "updates": self.updates,
            "baseline": self._baseline,
            "baselines": self._baselines,
            "history": [dict(line) for line in self.history],
            "controller": self.controller.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes over the state of a learner of equal arguments."""
        self.level = state["level"]
        self._open()
        self.beam = [Kept(tuple(tokens), reward, Start(h, c)) for tokens, reward, h, c in state["beam"]]
        self.rewards, self.updates = list(state["rewards"]), state["updates"]
        self._baseline, self._baselines = state["baseline"], state["baselines"]
        self.history = [dict(line) for line in state["history"]]
        self.controller.load_state_dict(state["controller"])
        self.optimiser.load_state_dict(state["optimiser"])

"""Measured quality of one benchmark in, the number that evolution selects on out.

There is one fitness: what is logged is what is selected and what stops a run. It is a rank correlation with its sign;
an anti-correlated formula is bad until the formula itself says minus.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gpproxy.errors import ConfigError
from gpproxy.evolution.fitness import centred_ranks, dead_last, masked_correlations
from gpproxy.ranking.correlation import steady
from gpproxy.ranking.weighted import weighted_tau
from gpproxy.seeds import numbered

#: Fitness of an invalid formula: that of the worst possible ranking.
WORST = -1.0
#: A group of equal descriptor smaller than this says nothing about ranking inside groups.
SMALLEST_GROUP = 4


@dataclass(frozen=True)
class Fitness:
    """Fitness of a population on one benchmark; every tensor is `tree`, float64, higher is better, -1 where invalid.

    Attributes:
        quality: the objective (`Target`).
        kendall: tau-b on all architectures.
        spearman: rho on all architectures.
        within: mean rho inside the groups, weighted by their size; 0 without groups.
        cases: `tree x case`, the mean of tau and rho on each half (or on all), then the mean rho inside the groups.
        reasons: per tree, why it has no fitness, or None.
        signatures: per tree, a hash of the ranking; equal exactly when two formulas rank alike, empty where invalid.
    """

    quality: Tensor
    kendall: Tensor
    spearman: Tensor
    within: Tensor
    cases: Tensor
    reasons: tuple[str | None, ...]
    signatures: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Target:
    """The measured quality of the training architectures of one benchmark, ready to be compared with scores.

    The objective is the mean of Kendall's tau-b and Spearman's rho, or with `focus` blended with weighted tau, in which
    the top of the ranking counts most. With `resamples` it is the lower quartile of that
    mean over fixed random halves of the functional classes, the same for every formula: one that owes its rank to
    a few architectures, or to one class of many twins, falls. With `groups` the mean rho inside the groups is blended
    in by `within`.

    Attributes:
        quality: `architecture`, higher is better.
        dead: `architecture`, bool; these rank last, tied, whatever a formula says. None: all are alive.
        groups: one label per architecture (the value of a trivial descriptor), or None.
        within: weight in [0, 1] of the ranking inside the groups; no effect without groups.
        classes: functional class of every architecture; twins are drawn together. None: no two are alike.
        resamples: number of random halves; 0 takes all architectures once.
        seed: seed of the halves.
        focus: weight in [0, 1] of the top of the ranking.
    """

    quality: Tensor
    dead: Tensor | None = None
    groups: Sequence[Hashable] | None = None
    within: float = 0.25
    resamples: int = 16
    seed: int = 0
    classes: Sequence[int] | None = None
    focus: float = 0.0
    _masks: Tensor = field(init=False, repr=False)
    _group_sizes: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n = len(self.quality)
        if n < 4 or not bool(torch.isfinite(self.quality).all()):
            raise ConfigError(f"A target needs at least 4 architectures with finite quality, but got {n}.")
        if self.groups is not None and len(self.groups) != n:
            raise ConfigError(f"Groups need one label per architecture: {n}, but got {len(self.groups)}.")
        if self.classes is not None and len(self.classes) != n:
            raise ConfigError(f"Classes need one number per architecture: {n}, but got {len(self.classes)}.")
        if not 0.0 <= self.within <= 1.0:
            raise ConfigError(f"0 <= within <= 1 must hold, but got within={self.within}.")
        if not 0.0 <= self.focus <= 1.0:
            raise ConfigError(f"0 <= focus <= 1 must hold, but got focus={self.focus}.")
        masks = [torch.ones(n)]
        generator = numbered(self.seed)
        _, member = torch.unique(torch.tensor(self.classes or range(n)), return_inverse=True)
        twins = torch.bincount(member)
        for _ in range(self.resamples):
            order = torch.randperm(len(twins), generator=generator)
            drawn = order[: 1 + int((twins[order].cumsum(0) < max(4, n // 2)).sum())]
            masks.append(torch.isin(member, drawn).float())
        sizes = []
        labels = list(self.groups) if self.groups is not None else []
        for label in dict.fromkeys(labels):
            mask = torch.tensor([float(other == label) for other in labels])
            if mask.sum() >= SMALLEST_GROUP:
                masks.append(mask)
                sizes.append(float(mask.sum()))
        device = self.quality.device
        object.__setattr__(self, "_masks", torch.stack(masks, dim=1).to(device))
        object.__setattr__(self, "_group_sizes", torch.tensor(sizes, dtype=torch.float64, device=device))

    def fingerprint(self) -> str:
        """A hash of everything that defines the objective."""
        digest = hashlib.blake2b(digest_size=16)
        for tensor in (self.quality.double(), self.dead if self.dead is not None else torch.zeros(0), self._masks):
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        digest.update(repr((self.within, self.resamples, len(self._group_sizes))).encode())
        digest.update(f"focus {self.focus}".encode() if self.focus else b"")
        return digest.hexdigest()

    def fitness(self, scores: Tensor, reasons: Sequence[str | None] | None = None) -> Fitness:
        """Fitness of `tree x architecture` scores.

        A row with NaN keeps its reason and gets the worst fitness, as does a row that is constant over the live
        architectures ("constant").
        """
        trees = len(scores)
        why: list[str | None] = list(reasons) if reasons is not None else [None] * trees
        live = scores if self.dead is None else scores[:, ~self.dead]
        missing = torch.isnan(scores if self.dead is None else scores.masked_fill(self.dead, 0.0)).any(-1)
        settled = steady(live)
        flat = (settled == settled[:, :1]).all(-1)
        for i, (no, same) in enumerate(zip(missing.tolist(), flat.tolist())):
            if why[i] is None and (no or same):
                why[i] = "not a number" if no else "constant"
        good = torch.tensor([i for i in range(trees) if why[i] is None], dtype=torch.long, device=scores.device)
        count = max(self.resamples, 1) + bool(len(self._group_sizes))
        result = torch.full((4 + count, trees), WORST, dtype=torch.float64, device=scores.device)
        signatures = [""] * trees
        if len(good):
            valid = dead_last(steady(scores[good]), self.dead)
            result[:, good] = torch.stack(self._measure(valid))
            ranks = centred_ranks(valid).to(torch.int32).cpu().numpy()
            for i, row in zip(good.tolist(), ranks):
                signatures[i] = hashlib.blake2b(row.tobytes(), digest_size=12).hexdigest()
        result = result.cpu()
        return Fitness(result[0], result[1], result[2], result[3], result[4:].T, tuple(why), tuple(signatures))

    def _top(self, scores: Tensor) -> Tensor:
        """`tree x half`: weighted tau on each half, or on all; 0 where a side is constant."""
        masks = self._masks[:, 1 : 1 + self.resamples] if self.resamples else self._masks[:, :1]
        members = [mask.nonzero().squeeze(1) for mask in masks.T]
        return torch.stack([weighted_tau(scores[:, m], self.quality[m]) for m in members], dim=1).nan_to_num(0.0)

    def _measure(self, scores: Tensor) -> tuple[Tensor, ...]:
        """Quality, tau, rho, within-group rho and every case of scores without NaN."""
        tau, rho = masked_correlations(scores, self.quality, self._masks)
        objective = (tau + rho) / 2
        halves = slice(1, 1 + self.resamples)
        if self.focus:
            used = objective[:, halves] if self.resamples else objective[:, :1]
            used.mul_(1 - self.focus).add_(self.focus * self._top(scores))
        quality = torch.quantile(objective[:, halves], 0.25, dim=1) if self.resamples else objective[:, 0]
        within = torch.zeros_like(quality)
        cases = list((objective[:, halves] if self.resamples else objective[:, :1]).T)
        if len(self._group_sizes):
            inside = rho[:, 1 + self.resamples :]
            within = (inside * self._group_sizes).sum(1) / self._group_sizes.sum()
            quality = (1 - self.within) * quality + self.within * within
            cases.append(within)
        return quality, tau[:, 0], rho[:, 0], within, *cases

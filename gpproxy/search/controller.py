"""The network that decides: an LSTM that emits an architecture token by token (Gong et al., 2019).

In: how many choices each decision has, a start (hidden state), a seeded generator. Out: tokens; and for tokens that
were emitted, the log-probability and the entropy of each decision, with gradients.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

#: Size of the hidden state, as published.
HIDDEN = 100


class Start(NamedTuple):
    """Where a controller begins: hidden and cell state, `1 x HIDDEN` each."""

    hidden: Tensor
    cell: Tensor

    @classmethod
    def zero(cls) -> Start:
        """Of a controller that follows on none."""
        return cls(torch.zeros(1, HIDDEN), torch.zeros(1, HIDDEN))


class Said(NamedTuple):
    """What a controller says of the decisions of one architecture.

    Attributes:
        log_probabilities, entropies: one per decision, with gradients.
        end: its state after the last decision, without gradients.
    """

    log_probabilities: Tensor
    entropies: Tensor
    end: Start


class Controller(nn.Module):
    """One LSTM cell, an embedding per token of each decision, and a classifier per decision.

    Args:
        sizes: choices of each decision.
        generator: source of the initial weights, which are those of PyTorch's layers.
    """

    def __init__(self, sizes: Sequence[int], generator: torch.Generator):
        super().__init__()
        self.sizes = tuple(sizes)
        #: where the embeddings of each decision begin
        self.offsets = (0, *itertools.accumulate(self.sizes))[:-1]
        with torch.random.fork_rng(devices=[]):  # the layers draw from the global state
            torch.default_generator.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            self.cell = nn.LSTMCell(HIDDEN, HIDDEN)
            self.embedding = nn.Embedding(sum(self.sizes), HIDDEN)
            self.classifiers = nn.ModuleList(nn.Linear(HIDDEN, size) for size in self.sizes)

    @torch.no_grad()
    def draw(self, start: Start, generator: torch.Generator) -> tuple[int, ...]:
        """Tokens, one per decision, by their probabilities."""
        tokens: list[int] = []
        x, state = torch.zeros(1, HIDDEN), start
        for classify, offset in zip(self.classifiers, self.offsets):
            state = Start(*self.cell(x, state))
            probabilities = classify(state.hidden).softmax(1)
            tokens.append(int(torch.multinomial(probabilities[0], 1, generator=generator)))
            x = self.embedding(torch.tensor([offset + tokens[-1]]))
        return tuple(tokens)

    def forward(self, tokens: Sequence[int], start: Start) -> Said:
        """What it says of tokens, as it would when it emits them from a start."""
        chosen, entropies = [], []
        x, state = torch.zeros(1, HIDDEN), start
        for token, classify, offset in zip(tokens, self.classifiers, self.offsets, strict=True):
            state = Start(*self.cell(x, state))
            logs = classify(state.hidden).log_softmax(1)[0]
            chosen.append(logs[token])
            entropies.append(-(logs.exp() * logs).sum())
            x = self.embedding(torch.tensor([offset + token]))
        return Said(torch.stack(chosen), torch.stack(entropies), Start(*(part.detach() for part in state)))

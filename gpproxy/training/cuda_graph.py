"""Objectives on a GPU: the work of a step is captured once and replayed, each objective on a stream of its own.

Small networks are bound by the launch of hundreds of tiny kernels. A replay is one launch, and the replays of several
objectives overlap. In: an objective with `prepare` and `advance`. Out: an Objective with the same steps. Needs a CUDA
device.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from gpproxy.errors import ConfigError
from gpproxy.training.objective import Objective

#: Steps that run without a graph before it is captured: they make the states of the optimisers and choose kernels.
WARM_UP = 3

T = TypeVar("T")


class Capturable(Objective, Protocol):
    """An objective whose step is `prepare`, which sets tensors and random states, and `advance`, always the same work.

    Attributes:
        random: generator of all draws inside `advance`, on the device of the networks.
        stage: what else `advance` depends on; another value takes another graph.
    """

    random: torch.Generator
    stage: int

    def prepare(self, index: int) -> None: ...

    def advance(self) -> dict[str, Tensor]: ...


class Captured:
    """An objective whose steps are replays of a CUDA graph, on a stream of its own.

    Steps return at once. Everything else waits for them.

    Args:
        objective: its networks are on a CUDA device.
    """

    def __init__(self, objective: Capturable):
        if objective.random.device.type != "cuda":
            raise ConfigError(f"A CUDA graph takes networks on a CUDA device, but got {objective.random.device}.")
        self.objective = objective
        self.networks: Mapping[str, nn.Module] = objective.networks
        self.stream = torch.cuda.Stream(objective.random.device)
        self.stream.wait_stream(torch.cuda.current_stream(objective.random.device))
        self._graph: torch.cuda.CUDAGraph | None = None
        #: losses of the latest replay, and their names
        self._losses = torch.empty(0)
        self._names: list[str] = []
        self._stage = -1
        self._warm = 0

    def step(self, index: int) -> Mapping[str, Tensor]:
        """See `Objective.step`. The losses are there when the stream has come so far."""
        with torch.cuda.stream(self.stream):
            self.objective.prepare(index)
            if self.objective.stage != self._stage:
                self._stage, self._warm, self._graph = self.objective.stage, 0, None
            if self._warm < WARM_UP:
                self._warm += 1
                return self.objective.advance()
            if self._graph is None:
                self._capture()
                self.objective.prepare(index)
            assert self._graph is not None
            self._graph.replay()
            return dict(zip(self._names, self._losses.clone().unbind()))

    def _capture(self) -> None:
        """Records one step; capturing executes nothing."""
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.objective.random)
        with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
            losses = self.objective.advance()
            self._losses = torch.stack(list(losses.values()))
        self._names = list(losses)
        self._graph = graph

    def samples(self, count: int) -> Tensor:
        """See `Objective.samples`."""
        with torch.cuda.stream(self.stream):
            return self.objective.samples(count)

    def held_out_losses(self) -> Mapping[str, float]:
        """See `Objective.held_out_losses`."""
        with torch.cuda.stream(self.stream):
            return self.objective.held_out_losses()

    def picture(self) -> Tensor:
        """See `Objective.picture`."""
        with torch.cuda.stream(self.stream):
            return self.objective.picture()

    def weights(self) -> dict[str, Tensor]:
        """See `Objective.weights`."""
        with torch.cuda.stream(self.stream):
            return self.objective.weights()

    def state_dict(self) -> dict[str, Any]:
        """See `Objective.state_dict`."""
        self.stream.synchronize()
        return self.objective.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Objective.load_state_dict`. The graph is captured anew: optimisers have new tensors then."""
        self.stream.synchronize()
        self.objective.load_state_dict(state)
        self.stream.wait_stream(torch.cuda.current_stream(self.objective.random.device))
        self._stage = -1


def in_turns(trainings: Iterable[Iterator[T]], together: int) -> Iterator[tuple[int, T]]:
    """Items of many iterators, `together` of them in turns; the next one begins when one ends.

    A training tells its progress after it has begun its steps and before it waits for them, so on a GPU the others
    compute meanwhile. On a CPU there is nothing to gain: give `together` = 1.

    Args:
        trainings: iterators, in order; each is taken when its turn comes.
        together: iterators that run at a time, 1 at least.

    Returns:
        The number of the iterator, and its item.
    """
    waiting = enumerate(trainings)
    running: list[tuple[int, Iterator[T]]] = []
    while True:
        while len(running) < max(together, 1) and (new := next(waiting, None)) is not None:
            running.append(new)
        if not running:
            return
        for one in list(running):
            try:
                item = next(one[1])
            except StopIteration:
                running.remove(one)
            else:
                yield one[0], item

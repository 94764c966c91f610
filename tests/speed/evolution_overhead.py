"""What the evolution itself costs per offspring, beside the evaluation: variation, rewriting, fitness, selection.

Prints CPU time, and shares measured in one run.

Usage: python tests/speed/evolution_overhead.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch

from gpproxy.evolution.loop import evolve
from gpproxy.evolution.problem import Case, Problem
from gpproxy.evolution.settings import EvolutionSettings
from tests.evolution import toy


class Timed:
    """An object one of whose methods is timed."""

    def __init__(self, inner, method: str):
        self.inner, self.method, self.seconds = inner, method, 0.0

    def __getattr__(self, name: str):
        found = getattr(self.inner, name)
        if name != self.method:
            return found

        def timed(*arguments):
            start = time.process_time()
            result = found(*arguments)
            self.seconds += time.process_time() - start
            return result

        return timed


def main() -> None:
    torch.set_num_threads(1)
    base = toy.problem(n=100, resamples=16)
    evaluator, target = Timed(base.cases[0].evaluator, "scores"), Timed(base.cases[0].target, "fitness")
    problem = Problem((Case("toy", evaluator, target),), base.grammar)
    start = time.process_time()
    *_, last = evolve(problem, EvolutionSettings(generations=25, patience=0))
    total, offspring = time.process_time() - start, last.evaluations
    engine = total - evaluator.seconds - target.seconds
    print(f"{offspring} offspring, {last.evaluated} distinct, {total:.2f} s CPU, best {last.best.quality:.3f}")
    for name, seconds in (("evaluation", evaluator.seconds), ("fitness", target.seconds), ("engine", engine)):
        print(f"{name:>12}: {seconds / offspring * 1e6:7.1f} us per offspring, {seconds / total:6.1%}")
    start = time.process_time()
    size = len(last.state.to_json())
    print(f"state: {size / 1e6:.2f} MB in {time.process_time() - start:.3f} s")


if __name__ == "__main__":
    main()

"""A task that trains nothing: a training is a number of steps, and its outcome follows from its job."""

from __future__ import annotations

import hashlib
import math
import time

import torch

from gpproxy.benchmark.jobs import Job
from gpproxy.errors import RunError
from gpproxy.images.image_set import ImageSet
from gpproxy.tasks.unconditional import Unconditional
from gpproxy.training.outcome import Check, Outcome, Progress, write_outcome

MAIN = "FD(cifar)"


def distance(code, seed, times=1):
    """A made-up distance with little noise between seeds."""
    base = int(hashlib.sha256(code.encode()).hexdigest()[:4], 16) / 65536
    noise = int(hashlib.sha256(f"{code}{seed}".encode()).hexdigest()[:4], 16) / 65536
    return math.exp(3 + base + 0.1 * noise) / times


class FakeTask(Unconditional):
    """Counts the trainings that it begins; `collapsing` codes collapse, `failing` ones raise."""

    def __init__(self, settings, collapsing=(), failing=(), digest="0" * 16):
        super().__init__(settings, every=True)
        self.collapsing, self.failing = collapsing, failing
        self.began = []
        self.images = ImageSet("shapes", "train", torch.zeros(4, 3, 16, 16, dtype=torch.uint8))
        self.facts = {"extractor": "cifar", "extractor_digest": digest, "reference_digest": "1" * 16, "floor": 0.5}

    main = MAIN

    def open(self):
        pass

    def measure(self, images):
        return {}

    def train(self, code, seed, folder, stop=None, times=1):
        if code in self.failing:
            raise RunError("made to fail")
        self.began.append(Job(code, seed, times))
        steps = self.recipe_of(times).steps
        folder.mkdir(parents=True, exist_ok=True)
        for step in range(1, steps + 1):
            yield Progress(step, steps, {}, 1.0, float(step))
            if stop():
                return
        value = distance(code, seed, times)
        lost = code in self.collapsing and seed == 0
        curve = (
            Check(steps // 2, {MAIN: 2 * value, "KID(cifar)": 0.2}),
            Check(steps, {MAIN: value, "KID(cifar)": 0.1}),
        )
        verdict = "collapsed" if lost else "finished"
        write_outcome(folder, Outcome(verdict, "", steps, steps, 1.5, MAIN, () if lost else curve, {}))


class SlowTask(FakeTask):
    """Writes down every training that it begins and takes its time."""

    def train(self, code, seed, folder, stop=None, times=1):
        with open(folder.parents[1] / "began.txt", "a") as file:
            file.write(Job(code, seed, times).name + "\n")
        for progress in super().train(code, seed, folder, stop, times):
            time.sleep(0.05)
            yield progress

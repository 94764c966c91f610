"""Generator steps per second of the builder against a plain training loop on the same device, side by side.

The plain loop is written as published code usually is: real and generated images in two discriminator passes, fresh
noise for the generator update, Adam and moving average parameter by parameter, losses read at every step. It has the
same networks, batch, augmentation and number of discriminator updates; it trains one generator after the other.

The builder's way on a GPU is one CUDA graph per generator, replayed on streams, several generators at once; on a CPU
one after the other on one core, where nothing runs at once. What each part brings is a line of its own. Wall-clock
time on a GPU, CPU time of one thread otherwise; the ways are timed in turn, and the best of the rounds counts.

Usage: python tests/speed/training.py [--device cpu] [--width 32] [--resolution 32] [--batch 64] [--together 1 4 8 16]
"""

from __future__ import annotations

import argparse
import copy
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from torch import nn

from gpproxy.execution.memory import keep_freed_memory
from gpproxy.images.image_set import ImageSet, to_unit
from gpproxy.search_spaces.autogan import PUBLISHED, AutoGAN
from gpproxy.search_spaces.discriminator import discriminator, hinge_discriminator, hinge_generator
from gpproxy.tasks.registry import recipe
from gpproxy.tasks.unconditional import adversarial
from gpproxy.training.augment import augment
from gpproxy.training.cuda_graph import Captured
from gpproxy.training.objective import Objective
from gpproxy.training.recipe import AdversarialRecipe


class Plain:
    """The loop that people write."""

    def __init__(self, space: AutoGAN, code: str, images: ImageSet, how: AdversarialRecipe, device: str):
        weights = torch.Generator().manual_seed(0)
        self.how, self.device = how, device
        self.generator: nn.Module = space.build(space.decode(code), weights).to(device)
        self.discriminator = discriminator(space.settings.width, weights).to(device)
        self.average = copy.deepcopy(self.generator)
        self.images, self.latent = images.images.to(device), space.settings.latent
        betas = (how.beta1, how.beta2)
        self.draws = torch.optim.Adam(self.generator.parameters(), how.generator_rate, betas)
        self.judges = torch.optim.Adam(self.discriminator.parameters(), how.discriminator_rate, betas)
        self.random = torch.Generator(device).manual_seed(0)

    def step(self, index: int) -> float:
        how, random = self.how, self.random
        chosen = torch.randint(len(self.images), (how.critic_batch,), device=self.device, generator=random)
        real = augment(to_unit(self.images[chosen]), how.augment, random)
        fake = augment(self._fakes(how.critic_batch).detach(), how.augment, random)
        judging = hinge_discriminator(self.discriminator(real), self.discriminator(fake))
        self.judges.zero_grad()
        judging.backward()
        self.judges.step()
        drawing = hinge_generator(self.discriminator(augment(self._fakes(how.batch), how.augment, random)))
        self.draws.zero_grad()
        drawing.backward()
        self.draws.step()
        with torch.no_grad():
            for ours, theirs in zip(self.average.parameters(), self.generator.parameters()):
                ours.lerp_(theirs, 1 - how.average)
        return judging.item() + drawing.item()

    def _fakes(self, count: int) -> torch.Tensor:
        return self.generator(torch.randn(count, self.latent, device=self.device, generator=self.random))


def clock(device: str) -> float:
    """Seconds: of the CPU thread, or of the wall when everything that was begun on the GPU is done."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


def rate(players: Sequence[Objective | Plain], steps: int, device: str) -> float:
    """Steps per second of all players together."""
    start = clock(device)
    for index in range(steps):
        for player in players:
            player.step(index)
    return steps * len(players) / (clock(device) - start)


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    for name, default in (("width", 32), ("resolution", 32), ("batch", 64), ("steps", 0), ("rounds", 3), ("seed", 0)):
        reader.add_argument(f"--{name}", type=int, default=default)
    reader.add_argument("--together", type=int, nargs="+", default=[1, 4, 8, 16])
    given = reader.parse_args()
    torch.set_num_threads(1)
    on_gpu = given.device != "cpu"
    if not on_gpu:
        keep_freed_memory()
    steps = given.steps or (200 if on_gpu else 3)
    space = AutoGAN(width=given.width, resolution=given.resolution)
    rng = random.Random(given.seed)
    most = max(given.together) if on_gpu else 2
    codes = [space.encode(PUBLISHED["A"]), *(space.encode(space.sample(rng)) for _ in range(most - 1))]
    shape = (1000, 3, given.resolution, given.resolution)
    noise = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = ImageSet("noise", "train", noise)
    how = recipe("short", steps=10**6, batch=given.batch)

    def objectives(count: int, graphs: bool) -> list[Objective | Plain]:
        made = [adversarial(space, code, images, how, 0, given.device) for code in codes[:count]]
        return [Captured(objective) for objective in made] if graphs else list(made)  # type: ignore[arg-type]

    ways: dict[str, Callable[[], list[Objective | Plain]]] = {
        "plain loop, one after the other": lambda: [
            Plain(space, code, images, how, given.device) for code in codes[: min(most, 2)]
        ],
        "our step, one after the other": lambda: objectives(min(most, 2), graphs=False),
    }
    if on_gpu:
        for count in given.together:
            ways[f"CUDA graphs, {count} at once on streams"] = lambda count=count: objectives(count, graphs=True)
    players = {name: make() for name, make in ways.items()}
    best = dict.fromkeys(ways, 0.0)
    for players_of_way in players.values():
        rate(players_of_way, 5 if on_gpu else 1, given.device)
    for _ in range(given.rounds):
        for name in ways:
            best[name] = max(best[name], rate(players[name], steps, given.device))
    kind = torch.cuda.get_device_name(given.device) if on_gpu else "one CPU core"
    print(f"{kind}, width {given.width}, {given.resolution} px, batch {given.batch}, one discriminator update per step")
    plain = next(iter(best.values()))
    for name, found in best.items():
        print(f"{name:40s} {found:9.2f} steps/s {found / plain:7.2f} x")
    if not on_gpu:
        print("On a CPU the builder trains one generator after the other: there is no concurrency to measure.")


if __name__ == "__main__":
    main()

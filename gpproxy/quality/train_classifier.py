"""Trains the classifier behind `FD(cifar)` and writes its weights.

In: CIFAR-10 (mosaics in GPPROXY_DATA, or torchvision's files). Out: OUT/cifar.safetensors in half precision, with
accuracy, seed, epochs and the data's digest in its metadata. A killed run goes on with the same command; the same
seed gives the same bytes on the same kind of processor with the same number of threads.

The shipped weights took two runs: 18 epochs with --epsilon 5e-4, whose features took faint noise for a large fault,
then `--start` from them with the default epsilon, `--epochs 2 --rate 0.1 --full-precision --threads 2`.

Usage: python -m gpproxy.quality.train_classifier --out FOLDER [--epochs 18] [--seed 0] [--threads 1]
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from gpproxy.execution.memory import keep_freed_memory
from gpproxy.files import write_atomically
from gpproxy.images.image_set import ImageSet
from gpproxy.images.load import load
from gpproxy.quality.cifar import CifarExtractor
from gpproxy.quality.classifier import Classifier, whiten
from gpproxy.quality.features import file_digest
from gpproxy.seeds import numbered

STATE, WEIGHTS = "state.pt", "cifar.safetensors"


@dataclass(frozen=True)
class Recipe:
    """Every value that the weights depend on, beside the data.

    Attributes:
        epsilon: added to the variance of each direction of a patch before whitening; a small one amplifies faint noise.
        start: digest of the weights that were trained on; empty where they were random.
    """

    seed: int = 0
    epochs: int = 18
    batch: int = 500
    rate: float = 0.3
    warm_up: float = 0.2
    momentum: float = 0.9
    decay: float = 5e-4
    smoothing: float = 0.1
    shift: int = 3
    scale: float = 0.5
    half: bool = True
    epsilon: float = 0.05
    start: str = ""


def main() -> None:
    """Runs the training from the command line and prints a line per epoch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the state and the weights")
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--rate", type=float, default=Recipe.rate, help="highest learning rate")
    parser.add_argument("--epsilon", type=float, default=Recipe.epsilon, help="of the whitening")
    parser.add_argument("--start", type=Path, default=None, help="weights to train on, instead of random ones")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--images", type=int, default=None, help="train on the first images only (for a trial)")
    parser.add_argument("--full-precision", action="store_true", help="float32 instead of bfloat16 arithmetic")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    keep_freed_memory()
    recipe = Recipe(
        seed=given.seed,
        epochs=given.epochs,
        rate=given.rate,
        half=not given.full_precision,
        epsilon=given.epsilon,
        start=file_digest(given.start)[:16] if given.start else "",
    )
    train_set, test_set = load("cifar10", "train", limit=given.images), load("cifar10", "test")
    for line in train(train_set, test_set, recipe, given.out, given.start):
        print(line, flush=True)


def train(
    train_set: ImageSet, test_set: ImageSet, recipe: Recipe, folder: Path, start: Path | None = None
) -> Iterator[str]:
    """Trains to the end, from the last finished epoch in `folder` on; yields a line per epoch and one for the file.

    Args:
        start: weights of an earlier training to begin with; None begins with random ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    network = Classifier()
    if start is not None:
        network.load_state_dict(CifarExtractor(start).network.state_dict())
    with torch.no_grad():
        if start is not None:
            for parameter in network.head.parameters():
                parameter.div_(recipe.scale)
        whiten(network, train_set.images[:5000], recipe.epsilon)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = _optimiser(network, recipe)
    begin = _resume(folder / STATE, network, optimiser, recipe)
    for epoch in range(begin, recipe.epochs):
        started = time.monotonic()
        loss = _epoch(network, optimiser, train_set, recipe, epoch)
        seconds = time.monotonic() - started
        state = {
            "epoch": epoch + 1,
            "recipe": json.dumps(asdict(recipe)),
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomically(folder / STATE, buffer.getvalue())
        yield (
            f"epoch {epoch + 1}/{recipe.epochs}  loss {loss:.4f}  "
            f"test accuracy {accuracy(network, test_set):.4f}  {seconds:.0f} s"
        )
    yield finish(network, train_set, test_set, recipe, folder)


def finish(network: Classifier, train_set: ImageSet, test_set: ImageSet, recipe: Recipe, folder: Path) -> str:
    """Writes the weights in half precision, and says the accuracy that is left after rounding."""
    state = {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
    # The scale of the logits is part of the probabilities, and nothing but the training knows it.
    state |= {name: value * recipe.scale for name, value in state.items() if name.startswith("head.")}
    rounded = {name: value.contiguous().half() for name, value in state.items()}
    fresh = Classifier()
    fresh.load_state_dict({name: value.float() for name, value in rounded.items()}, strict=False)
    plain = accuracy(fresh, test_set)
    metadata = {
        "accuracy": f"{plain:.4f}",
        "test_images": str(len(test_set)),
        "recipe": json.dumps(asdict(recipe)),
        "data": f"{train_set.name} train {train_set.digest}, test {test_set.digest}",
        "torch": torch.__version__,
    }
    data = _sorted_header(save(rounded, metadata))
    write_atomically(folder / WEIGHTS, data)
    return f"{folder / WEIGHTS}: {len(data)} bytes, test accuracy {plain:.4f}"


@torch.no_grad()
def accuracy(network: Classifier, images: ImageSet) -> float:
    """Share of images classified rightly, in [0, 1], in float32, batch statistics frozen, no test-time flips."""
    assert images.labels is not None
    was = network.training
    network.eval()
    right = 0
    for chunk, labels in zip(images.images.split(500), images.labels.split(500), strict=True):
        x = network.normalised(chunk).contiguous(memory_format=torch.channels_last)
        right += int((network(x).argmax(dim=1) == labels).sum())
    network.train(was)
    return right / len(images)


def _sorted_header(data: bytes) -> bytes:
    """The same file with its JSON header in a fixed order; safetensors writes metadata in a random one."""
    length = int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8 : 8 + length]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def _epoch(network: Classifier, optimiser: torch.optim.Optimizer, data: ImageSet, recipe: Recipe, epoch: int) -> float:
    """One pass over the data; everything random in it comes from the seed and the epoch's number. Returns the loss."""
    generator = numbered(recipe.seed * 10_007 + epoch)
    assert data.labels is not None
    network.train()
    order = torch.randperm(len(data), generator=generator)
    # Every image is shown as it is in one epoch and mirrored in the next.
    mirrored = (torch.arange(len(data)) * 2_654_435_761 // 2**16 + epoch) % 2 == 1
    steps, total = len(data) // recipe.batch, 0.0
    for step in range(steps):
        rate = _rate(recipe, (epoch * steps + step) / (recipe.epochs * steps))
        for group in optimiser.param_groups:
            group["lr"] = rate
        chosen = order[step * recipe.batch : (step + 1) * recipe.batch]
        x = network.normalised(data.images[chosen])
        x = torch.where(mirrored[chosen].view(-1, 1, 1, 1), x.flip(3), x)
        x = _shifted(x, recipe.shift, generator).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.half):
            features = network.embed(x)
        logits = network.classify(features) * recipe.scale
        loss = F.cross_entropy(logits, data.labels[chosen], label_smoothing=recipe.smoothing)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total / max(steps, 1)


def _shifted(x: Tensor, largest: int, generator: torch.Generator) -> Tensor:
    """Every image moved by up to `largest` pixels in both directions, mirrored at the border."""
    side = x.shape[-1]
    padded = F.pad(x, (largest,) * 4, mode="reflect")
    moves = torch.randint(2 * largest + 1, (2, len(x)), generator=generator)
    rows = moves[0][:, None] + torch.arange(side)
    columns = moves[1][:, None] + torch.arange(side)
    sample = torch.arange(len(x))[:, None, None]
    return padded.permute(0, 2, 3, 1)[sample, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _rate(recipe: Recipe, share: float) -> float:
    """A triangle over the training: up during the warm-up, then down to zero."""
    return recipe.rate * min(share / recipe.warm_up, (1 - share) / (1 - recipe.warm_up))


def _optimiser(network: Classifier, recipe: Recipe) -> torch.optim.Optimizer:
    weights = [p for p in network.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in network.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": weights, "weight_decay": recipe.decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=recipe.rate, momentum=recipe.momentum, nesterov=True)


def _resume(path: Path, network: Classifier, optimiser: torch.optim.Optimizer, recipe: Recipe) -> int:
    """The number of finished epochs in the state at `path`, loaded; 0 where there is none of the same recipe."""
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    if json.loads(state["recipe"]) != asdict(recipe):
        return 0
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["epoch"])


if __name__ == "__main__":
    main()

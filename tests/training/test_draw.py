"""Drawing from trained weights: what the checks measured, and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gpproxy.errors import RunError
from gpproxy.search_spaces.autogan import AutoGAN
from gpproxy.training.checkpoint import save_weights
from gpproxy.training.draw import draw, noise_batches, trained
from tests.training.toy import CODE, SPACE, objective


def test_kept_weights_draw_what_was_measured(tmp_path: Path) -> None:
    played = objective(seed=3)
    played.step(0)
    path = save_weights(tmp_path / "best.safetensors", played.weights(), {})
    images = draw(trained(SPACE, CODE, path), (8,), 7, 3, "samples")
    assert images.dtype == torch.uint8 and torch.equal(images, played.samples(7))


def test_noise_comes_in_batches_and_depends_on_all_parts() -> None:
    batches = list(noise_batches((3,), 5, 0, "samples", batch=2))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    (whole,) = noise_batches((3,), 5, 0, "samples")
    assert torch.equal(torch.cat(batches), whole)
    assert not torch.equal(whole, next(noise_batches((3,), 5, 1, "samples")))


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    path = save_weights(tmp_path / "best.safetensors", objective().weights(), {})
    with pytest.raises(RunError, match="does not fit autogan"):
        trained(AutoGAN(width=8, latent=8, resolution=16), CODE, path)

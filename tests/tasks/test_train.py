"""Training one architecture: what lies in the folder, and continuation equal bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gpproxy.errors import RunError, SpaceError
from gpproxy.tasks.train import train
from gpproxy.training.checkpoint import BEST, load_state
from gpproxy.training.outcome import outcome
from tests.training.toy import CODE, SPACE, equal, images, small


def begin(folder: Path, **changes: object):
    settings = {"seed": 0, "measure": lambda x: {"FD": float(x.float().mean())}, "samples": 12, "main": "FD"}
    return train(SPACE, CODE, images(), small(), folder=folder, **{**settings, **changes})  # type: ignore[arg-type]


def test_interrupted_equals_uninterrupted_and_seeds_differ(tmp_path: Path) -> None:
    steps = [progress.step for progress in begin(tmp_path / "whole")]
    assert steps[-1] == 8
    count = iter(range(1, 20))
    list(begin(tmp_path / "parts", stop=lambda: next(count) in (3, 4, 6)))
    assert outcome(tmp_path / "parts") is None
    while outcome(tmp_path / "parts") is None:
        list(begin(tmp_path / "parts", stop=lambda: next(count) in (3, 4, 6)))
    whole, parts = load_state(tmp_path / "whole"), load_state(tmp_path / "parts")
    assert whole is not None and parts is not None and equal(whole["objective"], parts["objective"])
    for name in (BEST, "samples_000008.png"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
    list(begin(tmp_path / "other", seed=1))
    assert (tmp_path / "whole" / BEST).read_bytes() != (tmp_path / "other" / BEST).read_bytes()


def test_a_folder_of_another_training_is_refused(tmp_path: Path) -> None:
    list(begin(tmp_path, stop=lambda: True))
    with pytest.raises(RunError, match="another recipe"):
        list(train(SPACE, CODE, images(), small(steps=9), seed=0, folder=tmp_path, samples=12, main="FD"))
    with pytest.raises(RunError, match="another images_digest"):
        list(train(SPACE, CODE, images(41), small(), seed=0, folder=tmp_path, samples=12, main="FD"))


def test_a_bad_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpaceError):
        list(train(SPACE, "1-2-3", images(), small(), seed=0, folder=tmp_path))


def test_the_global_random_state_is_untouched(tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    list(begin(tmp_path))
    assert torch.equal(torch.get_rng_state(), before)

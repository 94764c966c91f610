"""Features that are kept for later are the same whoever extracts them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gpproxy.execution.threads import torch_threads
from gpproxy.images.shapes import shapes
from gpproxy.quality.cifar import CifarExtractor
from gpproxy.quality.reference import Reference


def test_kept_features_do_not_depend_on_the_threads_of_who_came_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for threads in (1, 2):
        monkeypatch.setenv("GPPROXY_CACHE", str(tmp_path / str(threads)))
        with torch_threads(threads):
            found.append(Reference.of(shapes(limit=100), CifarExtractor()))
            assert torch.get_num_threads() == threads
    assert torch.equal(found[0].features.features, found[1].features.features)
    assert found[0].moments.covariance.equal(found[1].moments.covariance)
    files = [next((tmp_path / str(threads)).rglob("*.safetensors")).read_bytes() for threads in (1, 2)]
    assert files[0] == files[1]

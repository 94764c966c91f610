"""What is measured of translations, with a made-up extractor."""

import pytest
import torch

from gpproxy.errors import QualityError
from gpproxy.images.paired import PairedSet
from gpproxy.images.translation import Translation
from gpproxy.images.unpaired import UnpairedSet
from gpproxy.quality.features import Features
from gpproxy.quality.fidelity import fidelity
from gpproxy.quality.translation import translation_measure


class Colours:
    """Mean colour as features."""

    name, digest, dimensions, published = "colours", "0" * 16, 3, False

    def __call__(self, images):
        return Features(images.float().mean((2, 3)))


def images(count, seed):
    return torch.randint(0, 256, (count, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def translation(kind):
    return Translation(*(kind("noise", s, images(24, i), images(24, i + 5)) for i, s in enumerate(("train", "test"))))


def test_outputs_of_pairs_are_compared_with_their_own_targets():
    data = translation(PairedSet)
    measure = translation_measure(data, Colours())
    perfect = measure(data.held_out.targets)
    assert perfect["FD(colours)"] == pytest.approx(0, abs=1e-3) and perfect["L1"] == 0 and perfect["SSIM"] == 1
    # The same images in another order: nothing for the distance, all for the rest.
    shuffled = measure(data.held_out.targets.flip(0))
    assert shuffled["FD(colours)"] == pytest.approx(0, abs=1e-3) and shuffled["L1"] > 0.2
    near = fidelity(data.held_out.targets.flip(0), data.held_out.targets)
    assert shuffled["L1"] == near.values["L1"] and shuffled["L1 error"] == near.errors["L1"]


def test_fewer_outputs_are_those_of_the_first_inputs():
    data = translation(PairedSet)
    found = translation_measure(data, None)(data.held_out.targets[:3])
    assert "FD(colours)" not in found and found["L1"] == 0


def test_unpaired_outputs_have_no_targets():
    data = translation(UnpairedSet)
    assert list(translation_measure(data, Colours())(data.held_out.targets)) == ["FD(colours)"]


def test_more_outputs_than_inputs_are_refused():
    data = translation(PairedSet)
    with pytest.raises(QualityError, match="25 outputs are measured, but noise has 24"):
        translation_measure(data, None)(images(25, 0))

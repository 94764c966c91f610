"""The discriminator that a recipe names: those that do not grow, what they refuse, and a training against one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gpproxy.errors import ConfigError, SpaceError
from gpproxy.images.image_set import ImageSet
from gpproxy.search_spaces.discriminator import Discriminator, Ungrown
from gpproxy.search_spaces.eagan_networks import Discriminator as Found
from gpproxy.search_spaces.simple_discriminator import SimpleDiscriminator
from gpproxy.seeds import numbered
from gpproxy.tasks.discriminator import untrained_discriminator
from tests.training.toy import SPACE, equal, images, objective, small

CODE = "3030200-10301xx-30301xx"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("residual", Discriminator),
        ("simple", SimpleDiscriminator),
        (CODE, Found),
        ("eagan-discriminator-cifar10", Found),
    ],
)
def test_each_is_built_from_its_name(name: str, kind: type[nn.Module]) -> None:
    recipe = small(discriminator=name, discriminator_width=6)
    found = untrained_discriminator(SPACE, images(), recipe, numbered(0))
    assert isinstance(found.network if isinstance(found, Ungrown) else found, kind)
    again = untrained_discriminator(SPACE, images(), recipe, numbered(0))
    assert equal(found.state_dict(), again.state_dict())
    assert found(torch.randn(2, 3, 16, 16), found.STAGES - 1).shape == (2,)


def test_what_they_refuse() -> None:
    clear = ImageSet("clear", "train", torch.zeros(4, 4, 16, 16, dtype=torch.uint8))
    wide = ImageSet("wide", "train", torch.zeros(4, 3, 16, 32, dtype=torch.uint8))
    for name, learnt, classes, words in (
        (CODE, clear, 0, "three channels"), ("simple", wide, 0, "square"), ("simple", images(), 3, "no classes"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            untrained_discriminator(SPACE, learnt, small(discriminator=name), numbered(0), classes)
    with pytest.raises(SpaceError):
        untrained_discriminator(SPACE, images(), small(discriminator="nonsense"), numbered(0))


def test_a_simple_one_judges_real_and_generated_images_apart() -> None:
    one = objective(discriminator="simple", augment=(), flip=False)
    one.prepare(0)
    reals, fakes = torch.randn(4, 3, 16, 16), torch.zeros(4, 3, 16, 16)
    apart = torch.cat([one.discriminator(reals, 0), one.discriminator(fakes, 0)])
    assert torch.equal(one._judged(torch.cat([reals, fakes]), "both"), apart)
    assert not torch.allclose(one.discriminator(torch.cat([reals, fakes]), 0), apart)
    assert all(torch.isfinite(loss) for loss in one.step(0).values())

"""Published names and codes."""

from __future__ import annotations

import pytest

from gpproxy.errors import SpaceError
from gpproxy.search_spaces import SEARCH_SPACES
from gpproxy.search_spaces.autogan import AutoGAN
from gpproxy.training.architecture import code_of, published


def test_names() -> None:
    space = AutoGAN()
    assert published(space)["autogan-a"] == "1011-10011-10103" == code_of(space, "AutoGAN-A")
    assert code_of(space, "1 0 1 1 1 0 0 1 1 1 0 1 0 3") == "1011-10011-10103"
    assert published(SEARCH_SPACES["transnas-micro"]()) == {}


@pytest.mark.parametrize(("text", "message"), [("autogan-d", "Did you mean"), ("1 0 1", "14 digits"), ("9" * 14, "9")])
def test_others_are_refused(text: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        code_of(AutoGAN(), text)

"""Threads of torch are set for a while, whatever ends it."""

from __future__ import annotations

import pytest
import torch

from gpproxy.execution.threads import torch_threads


def test_what_was_set_before_is_given_back() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ValueError), torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise ValueError
    assert torch.get_num_threads() == before


def test_it_is_a_decorator() -> None:
    assert torch_threads()(torch.get_num_threads)() == 1

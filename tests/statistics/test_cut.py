"""Cutting: evenly spaced entries are kept as they are, whole tensors where the sizes are large."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gpproxy.statistics.cut import Sizes, as_map, cut_channels, cut_filters, cut_map, spaced
from tests.statistics.tiny_tables import UNCUT

SMALL = Sizes(samples=3, channels=4, positions=2, fan_in=5)


@given(st.integers(1, 600), st.integers(1, 80))
def test_spaced_indices_are_even_and_distinct(length, count):
    index = spaced(length, count)
    assert len(index) == min(length, count)
    assert int(index.min()) >= 0 and int(index.max()) < length
    steps = index.diff()
    assert len(steps) == 0 or (int(steps.min()) >= 1 and int(steps.max()) - int(steps.min()) <= 1)
    assert abs(int(index[0]) - (length - 1 - int(index[-1]))) <= 1  # as far from the start as from the end


def test_spaced_keeps_everything_where_there_is_room():
    assert spaced(7, 7).tolist() == spaced(7, 100).tolist() == list(range(7))


def test_a_cut_map_holds_entries_of_the_map():
    value = torch.arange(6 * 9 * 5 * 8, dtype=torch.float32).reshape(6, 9, 5, 8)
    cut = cut_map(value, SMALL)
    assert cut.shape == (3, 4, 2, 2) and cut.is_contiguous()
    assert torch.equal(cut, value[:3][:, spaced(9, 4)][:, :, spaced(5, 2)][..., spaced(8, 2)])


@pytest.mark.parametrize("shape", [(6, 9, 5, 8), (2, 1, 1, 1), (64, 3, 12, 12)])
def test_large_sizes_keep_the_whole_map(shape):
    value = torch.randn(shape)
    assert torch.equal(cut_map(value, UNCUT), value)


def test_missing_axes_are_added():
    assert as_map(torch.zeros(2, 3)).shape == (2, 3, 1, 1)
    assert as_map(torch.zeros(2, 3, 5)).shape == (2, 3, 1, 5)
    assert cut_map(torch.zeros(2, 3), SMALL).shape == (2, 3, 1, 1)


def test_a_cut_map_does_not_require_a_gradient():
    assert not cut_map(torch.zeros(2, 3, 2, 2, requires_grad=True), UNCUT).requires_grad


def test_channels_are_those_of_the_map():
    value = torch.randn(2, 9, 1, 1)
    assert torch.equal(cut_channels(value[0, :, 0, 0], SMALL), cut_map(value, SMALL)[0, :, 0, 0])
    assert torch.equal(cut_channels(value, SMALL, axis=1)[0, :, 0, 0], cut_map(value, SMALL)[0, :, 0, 0])


def test_filters_are_those_of_the_channels():
    filters = torch.randn(9, 3, 2, 2).flatten(1)
    assert torch.equal(cut_filters(filters, SMALL), filters[spaced(9, 4)][:, spaced(12, 5)])
    assert torch.equal(cut_filters(filters, UNCUT), filters)

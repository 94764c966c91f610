"""Layouts of weights and values."""

from __future__ import annotations

import pytest
import torch

from gpproxy.recording.layer import Axes, by_sample, filters


def test_filters_of_a_transposed_convolution_stand_by_output_channel():
    weight = torch.randn(3, 9, 2, 2)  # in x out x kernel
    laid = filters(weight, "transposed", 1)
    assert laid.shape == (9, 3, 2, 2) and torch.equal(laid[4], weight[:, 4])


@pytest.mark.parametrize("groups", [2, 3])
def test_filters_of_a_grouped_transposed_convolution_are_those_of_its_groups(groups):
    weight = torch.randn(6, 4, 2, 2)
    parts = [filters(part, "transposed", 1) for part in weight.chunk(groups)]
    assert torch.equal(filters(weight, "transposed", groups), torch.cat(parts))


def test_linear_weights_are_filters_already():
    weight = torch.randn(4, 7)
    assert torch.equal(filters(weight, "linear", 1), weight)


def test_the_rows_of_an_embedding_are_its_inputs():
    weight = torch.randn(4, 7)
    assert torch.equal(filters(weight, "embedding", 1), weight.T)


def test_tokens_become_a_map_where_they_fill_one():
    tokens = torch.randn(2, 12, 5)  # sample x token x channel
    laid = by_sample(tokens, Axes(0, (-1,)), 2, grid=(6, 8))
    assert laid.shape == (2, 5, 3, 4) and torch.equal(laid[1, :, 2, 3], tokens[1, 11])
    assert by_sample(tokens, Axes(0, (-1,)), 2, grid=(8, 8)).shape == (2, 5, 12)
    assert by_sample(tokens, Axes(0, (-1,)), 2).shape == (2, 5, 12)


def test_samples_merged_with_positions_are_taken_apart():
    frames = torch.randn(6, 5, 4, 4)  # 2 samples of 3 frames
    laid = by_sample(frames, Axes(0, (1,)), 2)
    assert laid.shape == (2, 5, 3, 4, 4) and torch.equal(laid[1, :, 2], frames[5])


def test_samples_folded_into_channels_are_taken_apart():
    folded = torch.randn(1, 10, 4, 4)
    laid = by_sample(folded, Axes(0, (1,)), 2, folded=True)
    assert torch.equal(laid[1], folded[0, 5:])


def test_what_stands_for_all_samples_is_repeated():
    shared = torch.randn(7, 5)  # position x channel
    laid = by_sample(shared, Axes(0, (-1,)), 3, data=False)
    assert laid.shape == (3, 5, 7) and torch.equal(laid[2], shared.T)

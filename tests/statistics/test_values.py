"""Blocks of layers: merged where shapes become equal, joined on the layers that both have."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from gpproxy.statistics.values import LayerBlocks, LayerScalars


def blocks(content: dict[int, tuple[int, ...]], scale: float = 1.0) -> LayerBlocks:
    """Row -> shape; a value is filled with its row number times `scale`."""
    shapes = sorted(set(content.values()))
    rows = [sorted(r for r, s in content.items() if s == shape) for shape in shapes]
    values = [torch.stack([torch.full(s, scale * r) for r in group]) for s, group in zip(shapes, rows)]
    return LayerBlocks(tuple(torch.tensor(group) for group in rows), tuple(values))


def content(value: LayerBlocks) -> dict[int, tuple[tuple[int, ...], float]]:
    found = {}
    for rows, block in zip(value.rows, value.values):
        assert len(rows) == len(block) and torch.equal(rows, rows.sort().values)
        for row, item in zip(rows.tolist(), block):
            assert row not in found
            found[row] = tuple(item.shape), float(item.flatten()[0])
    shapes = [tuple(v.shape[1:]) for v in value.values]
    assert len(set(shapes)) == len(shapes)
    return found


LAYERS = st.dictionaries(st.integers(0, 11), st.sampled_from([(2, 3), (2, 4), (3, 3)]), min_size=1)


@given(LAYERS)
def test_map_merges_blocks_whose_shapes_became_equal(layers):
    value = blocks(layers)
    merged = value.map([v.flatten(1).amax(1, keepdim=True) for v in value.values])
    assert content(merged) == {row: ((1,), float(row)) for row in layers}
    assert len(merged.values) == 1


@given(LAYERS)
def test_map_sorts_blocks_by_shape(layers):
    value = blocks(layers)
    turned = value.map([v.transpose(1, 2) for v in value.values])
    shapes = [tuple(v.shape[1:]) for v in turned.values]
    assert shapes == sorted(shapes)
    assert content(turned) == {row: (shape[::-1], float(row)) for row, shape in layers.items()}


@given(LAYERS, LAYERS)
def test_shared_keeps_the_layers_that_both_have_in_equal_shape(one, other):
    left, right = blocks(one).shared(blocks(other, scale=2.0))
    common = {row: shape for row, shape in one.items() if other.get(row) == shape}
    assert content(left) == {row: (shape, float(row)) for row, shape in common.items()}
    assert content(right) == {row: (shape, 2.0 * row) for row, shape in common.items()}


def test_shared_returns_the_same_objects_when_nothing_is_missing():
    one, other = blocks({0: (2, 3), 4: (2, 4)}), blocks({0: (2, 3), 4: (2, 4)}, scale=2.0)
    left, right = one.shared(other)
    assert left is one and right is other


def test_bytes():
    assert blocks({0: (2, 3), 4: (2, 4)}).bytes == 4 * (6 + 8)
    assert LayerScalars(torch.zeros(2, 3, dtype=torch.float64), torch.ones(2, 3, dtype=torch.bool)).bytes == 48

"""Plans for joining and merging blocks, against layers kept one by one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gpproxy.expressions.evaluation.layout import Layouts
from gpproxy.statistics.values import LayerBlocks


def by_row(rows: Sequence[Tensor], values: Sequence[Tensor]) -> dict[int, Tensor]:
    """Row number -> value, after checking that rows ascend in every block."""
    found = {}
    for block, group in zip(rows, values, strict=True):
        assert torch.equal(block, block.sort().values) and len(block) == len(group)
        found.update(zip(block.tolist(), group.nan_to_num(7.0)))
    return found


def test_join_keeps_the_layers_that_all_have_in_equal_shape(table):
    layouts = Layouts(table.depth)
    for one, other in [("activation", "gradient"), ("activation", "preactivation"), ("preactivation", "input")]:
        a, b = table.values[one], table.values[other]
        left, right = by_row(a.rows, a.values), by_row(b.rows, b.values)
        layout, parts = layouts.join([layouts.take(a), layouts.take(b)], [4, 4])
        common = [row for row in left if row in right and left[row].shape == right[row].shape]
        for i, wanted in enumerate((left, right)):
            found = by_row(layout.rows, [part[i] for part in parts])
            assert sorted(found) == sorted(common)
            assert all(torch.equal(found[row], wanted[row]) for row in common)


def test_merge_sorts_blocks_by_shape_and_joins_equal_ones(table):
    layouts = Layouts(table.depth)
    value = table.values["activation"]
    for change in (lambda x: x.mean((2, 3, 4)), lambda x: x.mean(2, keepdim=True), lambda x: x, lambda x: -x.mT):
        new = [change(v) for v in value.values]
        found = layouts.merge(layouts.take(value).layout, new)
        again = layouts.merge(layouts.take(value).layout, new)
        assert found.layout is again.layout
        shapes = [tuple(v.shape[1:]) for v in found.values]
        assert shapes == sorted(set(shapes))
        wanted, given = by_row(value.rows, new), by_row(found.layout.rows, found.values)
        assert wanted.keys() == given.keys() and all(torch.equal(given[row], wanted[row]) for row in wanted)


def test_restrict_keeps_what_is_present(table):
    layouts = Layouts(table.depth)
    activation = layouts.take(table.values["activation"])
    some = layouts.take(table.values["decodability"]).presence
    layout, steps = layouts.restrict(activation.layout, some)
    rows = torch.cat(list(layout.rows))
    assert sorted(rows.tolist()) == some.mask.view(-1).nonzero().squeeze(1).tolist()
    for (i, keep), row in zip(steps, layout.rows):
        assert torch.equal(activation.layout.rows[i][keep], row)


def test_equal_layouts_are_one_object(table):
    layouts = Layouts(table.depth)
    a, b = layouts.take(table.values["activation"]), layouts.take(table.values["gradient"])
    assert a.layout is b.layout
    copy = LayerBlocks(tuple(r.clone() for r in table.values["gradient"].rows), table.values["gradient"].values)
    assert layouts.take(copy).layout is a.layout


def test_join_by_samples_alone(table):
    """Maps of other channels pair up when only the first axis has to agree."""
    layouts = Layouts(table.depth)
    a, b = layouts.take(table.values["activation"]), layouts.take(table.values["input"])
    layout, parts = layouts.join([a, b], [1, 1])
    rows = torch.cat(list(layout.rows))
    assert sorted(rows.tolist()) == sorted(torch.cat(list(a.layout.rows)).tolist())
    assert all(len(x) == len(y) == len(row) for (x, y), row in zip(parts, layout.rows))
    fewer = layouts.merge(a.layout, [v[:, :1] for v in a.values])
    assert layouts.join([a, fewer], [1, 1])[1] == []

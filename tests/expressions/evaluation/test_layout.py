"""Plans for joining and merging blocks, against those of `LayerBlocks`."""

from __future__ import annotations

import torch

from gpproxy.expressions.evaluation.layout import Layouts
from gpproxy.statistics.values import LayerBlocks


def blocks(value):
    return [(r.tolist(), v.tolist()) for r, v in zip(value[0], value[1])]


def test_join_equals_shared(table):
    layouts = Layouts(table.depth)
    for one, other in [("activation", "gradient"), ("activation", "preactivation"), ("preactivation", "input")]:
        a, b = table.values[one], table.values[other]
        left, right = a.shared(b)
        layout, parts = layouts.join([layouts.take(a), layouts.take(b)], [4, 4])
        assert [r.tolist() for r in layout.rows] == [r.tolist() for r in left.rows]
        for part, x, y in zip(parts, left.values, right.values):
            assert torch.equal(part[0].nan_to_num(7.0), x.nan_to_num(7.0))
            assert torch.equal(part[1].nan_to_num(7.0), y.nan_to_num(7.0))


def test_merge_equals_map(table):
    layouts = Layouts(table.depth)
    value = table.values["activation"]
    for change in (lambda x: x.mean((2, 3, 4)), lambda x: x.mean(2, keepdim=True), lambda x: x, lambda x: -x.mT):
        new = [change(v) for v in value.values]
        wanted = value.map(new)
        found = layouts.merge(layouts.take(value).layout, new)
        again = layouts.merge(layouts.take(value).layout, new)
        assert found.layout is again.layout
        assert [r.tolist() for r in found.layout.rows] == [r.tolist() for r in wanted.rows]
        assert all(
            torch.equal(a.nan_to_num(7.0), b.nan_to_num(7.0)) for a, b in zip(found.values, wanted.values, strict=True)
        )


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

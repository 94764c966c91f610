"""Scores equal those of a plain loop, and never depend on workers, order, memory or what came before."""

from __future__ import annotations

import random

import pytest
import torch

from gpproxy.errors import ExpressionError
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.evaluation.run import Run
from gpproxy.expressions.generate import generate
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse, to_text
from gpproxy.primitives.declaration import Primitive, Signature
from gpproxy.primitives.primitive import same
from gpproxy.primitives.types import LayerScalar, Scalar
from tests.naive import Invalid, Naive
from tests.toy import toy_table


def equal(a, b):
    """Bit for bit, NaN equal to NaN."""
    return torch.equal(a.values.view(torch.int64), b.values.view(torch.int64)) and a.reasons == b.reasons


def test_scores_equal_a_plain_loop():
    table = toy_table(dead=2, dtype=torch.float64)
    grammar = Grammar.for_table(table)
    rng = random.Random(1)
    trees = [generate(grammar, rng) for _ in range(150)]
    scores = Evaluator(table).scores(trees)
    naive = Naive(table)
    for tree, row, reason in zip(trees, scores.values, scores.reasons):
        try:
            wanted = naive.scores(tree)
        except Invalid as invalid:
            assert reason == str(invalid)
            continue
        if reason == "constant":
            live = wanted[~wanted.isnan()]
            assert (live.max() - live.min()) <= 1e-9 * live.abs().max()
        else:
            assert reason is None
            torch.testing.assert_close(row, wanted, rtol=1e-6, atol=1e-12, equal_nan=True, msg=to_text(tree))


@pytest.mark.parametrize(
    "settings", [{"workers": 2}, {"workers": 3, "memory": 200_000}, {"memory": 0}, {"memory": 0, "workers": 2}]
)
def test_settings_change_no_bit(table, trees, settings):
    assert equal(Evaluator(table, **settings).scores(trees), Evaluator(table).scores(trees))


def test_order_and_history_change_no_bit(table, trees):
    wanted = Evaluator(table).scores(trees)
    order = list(range(len(trees)))
    random.Random(2).shuffle(order)
    evaluator = Evaluator(table, memory=2_000_000)
    for start in range(0, len(order), 90):  # in shuffled batches, and each twice
        part = order[start : start + 90]
        for _ in range(2):
            found = evaluator.scores([trees[i] for i in part])
            assert torch.equal(found.values.view(torch.int64), wanted.values[part].view(torch.int64))
            assert found.reasons == [wanted.reasons[i] for i in part]


def test_torch_threads_change_no_bit(table, trees):
    wanted = Evaluator(table).scores(trees[:100])
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert equal(Evaluator(table).scores(trees[:100]), wanted)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_dead_architectures_touch_nobody(table, grammar, trees):
    """Their statistics hold NaN; the others score as if they were not there."""
    alive = [c for c in table.architectures if c not in table.dead]
    scores = Evaluator(table).scores(trees)
    alone = Evaluator(table.select(alive)).scores(trees)
    assert scores.reasons == alone.reasons
    assert torch.equal(scores.values[:, : len(alive)].nan_to_num(7.0), alone.values.nan_to_num(7.0))
    assert scores.values[:, len(alive) :].isnan().all()


def test_invalid_rows_are_nan_and_carry_the_reason(table, grammar, trees):
    scores = Evaluator(table).scores(trees)
    for row, reason in zip(scores.values, scores.reasons):
        live = row[table.alive]
        assert live.isnan().all() if reason else live.isfinite().all()
    assert {"constant", None} <= set(scores.reasons)


def test_reasons(table):
    """The first culprit is named, not the operation that passes it on."""
    blow = Primitive("blow", "transform", lambda x: x / 0.0, tuple(same(LayerScalar, Scalar)), "test")
    total = Primitive(
        "total", "reduce", lambda x, depth: x.sum(1), (Signature((LayerScalar,), Scalar),), "test", over_layers=True
    )
    twice = Primitive("twice", "transform", lambda x: 2 * x, tuple(same(LayerScalar, Scalar)), "test")
    grammar = Grammar(table.types, [blow, total, twice])
    trees = [parse(f, grammar) for f in ("twice(total(twice(blow(params))))", "total(twice(params))", "total(depth)")]
    constant = parse("twice(5)", grammar)
    scores = Evaluator(table).scores([*trees, constant])
    assert scores.reasons == ["non-finite (blow)", None, None, "constant"]
    assert Evaluator(table).scores([]).values.shape == (0, len(table))


def test_a_layer_without_both_operands_is_left_out(table, grammar):
    """`decodability` is absent from some layers: sums over a product run over the layers that have both."""
    tree = parse("sum_layers(params * decodability)", grammar)
    params, other = table.values["params"], table.values["decodability"]
    wanted = (params.values * other.values * (params.present & other.present)).sum(1)
    found = Evaluator(table).scores([tree]).values[0]
    torch.testing.assert_close(found[table.alive], wanted[table.alive])
    shifted = Evaluator(table).scores([parse("sum_layers(exp(params * 0 + decodability * 0))", grammar)]).values[0]
    count = (params.present & other.present).sum(1).double()
    torch.testing.assert_close(shifted[table.alive], count[table.alive])


def test_memory_is_respected(table, trees):
    """The peak of what a run holds stays near the budget; a generous one never drops a value."""
    from gpproxy.expressions.evaluation.cache import Cache
    from gpproxy.expressions.evaluation.graph import Graph

    evaluator = Evaluator(table)
    evaluator.scores(trees)
    graph = Graph(trees)

    def peak(memory: int) -> tuple[int, int]:
        run = Run(graph, evaluator._leaves, evaluator._layouts, Cache(), memory)
        run.evaluate(1)
        return run.peak, run.repeated

    generous, repeated = peak(2**31)
    assert repeated == 0
    largest = max(v.bytes for v in table.values.values() if not isinstance(v, torch.Tensor))
    tight, repeated = peak(4 * largest)
    assert tight <= 6 * largest < generous and repeated > 0


def test_the_cache_spares_work(table, trees, monkeypatch):
    evaluator = Evaluator(table)
    evaluator.scores(trees)
    import gpproxy.expressions.evaluation.run as run

    monkeypatch.setattr(run, "apply", lambda *_: pytest.fail("evaluated again"))
    evaluator.scores(trees)


def test_missing_and_changed_statistics_are_named(table):
    other = Grammar({"activations": Scalar, "params": Scalar})
    with pytest.raises(ExpressionError, match="Did you mean 'activation'"):
        Evaluator(table).scores([parse("activations", other)])
    with pytest.raises(ExpressionError, match="LayerScalar in the table, not a Scalar"):
        Evaluator(table).scores([parse("params", other)])


def failing(table, error):
    """Two trees, one through a primitive that raises the error and one beside it."""

    def fail(x):
        raise error

    broken = Primitive("broken", "transform", fail, tuple(same(LayerScalar, Scalar)), "test")
    total = Primitive(
        "total", "reduce", lambda x, depth: x.sum(1), (Signature((LayerScalar,), Scalar),), "test", over_layers=True
    )
    grammar = Grammar(table.types, [broken, total])
    return [parse(text, grammar) for text in ("total(broken(params))", "total(params)")]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("error", [RuntimeError("3 x 4 and 5 x 4"), ValueError("no such axis")])
def test_a_primitive_that_fails_makes_its_formulas_invalid(table, error, workers):
    scores = Evaluator(table, workers=workers).scores(failing(table, error))
    assert scores.reasons == [f"{type(error).__name__} (broken)", None]
    assert scores.values[0].isnan().all() and scores.values[1][table.alive].isfinite().all()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        MemoryError(),
        KeyboardInterrupt(),
        TypeError("a mistake in the program"),
    ],
)
def test_errors_of_the_machine_reach_the_caller_also_from_a_thread(table, error, workers):
    with pytest.raises(type(error)):
        Evaluator(table, workers=workers).scores(failing(table, error))


def test_a_table_of_dead_architectures():
    table = toy_table(3, dead=3)
    tree = parse("total_params", Grammar.for_table(table))
    scores = Evaluator(table).scores([tree])
    assert scores.reasons == ["no live architecture"] and scores.values.isnan().all()


def test_one_architecture_is_not_called_constant():
    table = toy_table(4).select(["toy1"])
    scores = Evaluator(table).scores([parse("sum_layers(mean(activation))", Grammar.for_table(table))])
    assert scores.reasons == [None] and scores.values.isfinite().all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_scores_equal_those_of_the_cpu():
    table = toy_table(dtype=torch.float64)
    grammar = Grammar.for_table(table)
    rng = random.Random(4)
    trees = [generate(grammar, rng) for _ in range(100)]
    cpu, gpu = Evaluator(table).scores(trees), Evaluator(table.to("cuda")).scores(trees)
    both = [i for i, (a, b) in enumerate(zip(cpu.reasons, gpu.reasons)) if a is None and b is None]
    assert len(both) > 60
    torch.testing.assert_close(gpu.values[both], cpu.values[both], rtol=1e-6, atol=1e-9)

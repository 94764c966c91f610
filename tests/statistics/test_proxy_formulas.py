"""Classical proxies as formulas: parsed and evaluated on uncut statistics they equal the proxies of full tensors."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import gpproxy.primitives  # noqa: F401  registers the primitives
from gpproxy.evolution.settings import Limits
from gpproxy.expressions.classical_formulas import FORMULAS, NEAR, REASONS, SPELLED
from gpproxy.expressions.evaluation.evaluate import Evaluator
from gpproxy.expressions.grammar import Grammar
from gpproxy.expressions.text import parse, to_text
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collect import collect
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.table import StatisticsTable
from tests.statistics.tiny_tables import UNCUT, tiny

#: Kinds of networks that a formula is not for (see the module's exceptions).
NOT_FOR = dict.fromkeys(("min_resolution", "mean_log_resolution", "autogas_proxy3"), "linear")
#: Formulas of whole layers and networks equal the proxies on cut tables too.
CUT_FREE = (
    "params", "macs", "depth", "max_channels", "log_activations", "l2_norm", "grad_norm", "snip", "fisher", "synflow",
    "jacov", "nwot",
)  # fmt: skip


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> tuple[StatisticsTable, StatisticsTable]:
    """Uncut and cut statistics of the sound tiny architectures."""
    space = tiny.Tiny()
    codes = [f"{kind}-{width}" for kind in tiny.SOUND for width in tiny.WIDTHS]
    inits = (Collection(samples=6, proxy_samples=6, sizes=UNCUT), Collection(samples=6, proxy_samples=6))
    found = [collect(space, codes, passes, cache_folder=tmp_path_factory.mktemp("cache")) for passes in inits]
    assert not any(failures for _, failures in found)
    return found[0][0], found[1][0]


def compare(name: str, formula: str, table: StatisticsTable) -> None:
    scores = Evaluator(table).scores([parse(formula, Grammar.for_table(table))])
    assert scores.reasons == [None]
    wanted: Tensor = table.columns[name]
    kept = torch.tensor([not code.startswith(NOT_FOR.get(name, "none")) for code in table.architectures])
    assert torch.isfinite(wanted).all()
    torch.testing.assert_close(scores.values[0, kept], wanted[kept], rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_equals_its_proxy(name, tables):
    compare(name, FORMULAS[name], tables[0])


@pytest.mark.parametrize("name", SPELLED)
def test_formula_of_maps_and_weights_equals_its_proxy(name, tables):
    compare(name, SPELLED[name], tables[0])


@pytest.mark.parametrize("name", CUT_FREE)
def test_formula_of_whole_layers_equals_its_proxy_on_a_cut_table(name, tables):
    compare(name, FORMULAS[name], tables[1])


@pytest.mark.parametrize("name", ["autogas_proxy2", "autogas_proxy5"])
def test_one_call_of_a_log_determinant_ranks_as_three(name, tables):
    """The mean over K, 2 K and 3 K adds log(6) / 3 per sample."""
    grammar = Grammar.for_table(tables[0])
    one, three = Evaluator(tables[0]).scores([parse(NEAR[name], grammar), parse(FORMULAS[name], grammar)]).values
    torch.testing.assert_close(
        three - one, torch.full_like(one, 6 * torch.tensor(6.0).log().item() / 3), rtol=1e-4, atol=0
    )


def test_every_proxy_is_a_formula_or_has_a_reason():
    for name in PROXIES:
        assert (name in FORMULAS) or (name in REASONS), name
    assert all(name in REASONS for name in NEAR)
    assert not any(name in FORMULAS and name not in NEAR for name in REASONS)


@pytest.mark.parametrize("name", dict.fromkeys([*FORMULAS, *NEAR]))
def test_a_search_can_start_from_it(name, tables):
    """What stands for a name is small enough, valid, and survives printing."""
    grammar, limits = Grammar.for_table(tables[1]), Limits()
    tree = parse({**FORMULAS, **NEAR}[name], grammar)
    assert len(tree) <= limits.nodes and tree.height <= limits.height
    assert list(parse(to_text(tree), grammar)) == list(tree)
    assert Evaluator(tables[1]).scores([tree]).reasons == [None]

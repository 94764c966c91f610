"""Collection: one record per architecture whatever ran before, beside or in which order; broken generators left out."""

from __future__ import annotations

import copy
import random
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from gpproxy.errors import ConfigError, SpaceError, StatisticsError
from gpproxy.search_spaces import ChoiceSpace
from gpproxy.search_spaces.autogan import AutoGAN
from gpproxy.statistics import collect as collection
from gpproxy.statistics.absent import AbsentPass
from gpproxy.statistics.assemble import assemble
from gpproxy.statistics.cache import load, save
from gpproxy.statistics.classical import PROXIES
from gpproxy.statistics.collect import cached, collect, fill
from gpproxy.statistics.collection import Collection
from gpproxy.statistics.observe import collect_one, described, look_at, piece_of
from gpproxy.statistics.passes import Passes
from gpproxy.statistics.statistic import STATISTICS
from tests.statistics.tiny_tables import differences, tiny

HOW = Collection(samples=4, proxies=("nwot", "snip", "meco"), proxy_samples=3)
CODES = ["plain-3", "norms-4", "linear-6", "deep-3", "constant-4", "plain-6"]
REASONS = {
    "nan": "returns NaN or infinity",
    "infinite": "returns NaN or infinity",
    "empty": "has no parameters",
    "bare": "has no convolution or linear layer",
    "torn": "failed: RuntimeError: .*does not require grad",
    "crash": "failed: ValueError: does not run",
}


@pytest.fixture(scope="module")
def space():
    return tiny.Tiny()


@pytest.fixture(scope="module")
def table(space, tmp_path_factory):
    return collect(space, CODES, HOW, cache_folder=tmp_path_factory.mktemp("cache"))[0]


def test_a_table_keeps_the_order_and_has_every_statistic_and_column(table):
    assert list(table.architectures) == CODES
    assert list(table.values) == list(STATISTICS) and table.types == {n: s.type for n, s in STATISTICS.items()}
    assert {"params", "macs", "depth", "nwot", "snip", "meco"} <= set(table.columns)
    assert not {"zen", "ntk"} & set(table.columns)


def test_records_do_not_depend_on_order(space, table, tmp_path):
    backwards = collect(space, CODES[::-1], HOW, cache_folder=tmp_path)[0]
    for code in CODES:
        assert differences(backwards.select([code]), table.select([code])) in ([], ["depth"])  # same depth throughout
    assert differences(collect(space, CODES, HOW, cache_folder=tmp_path)[0], table) == []


def test_records_do_not_depend_on_what_ran_before(space, table, tmp_path):
    torch.manual_seed(3), random.seed(3), np.random.seed(3)
    for code in ("deep-6", "norms-3"):
        collect_one(space, code, Collection(samples=7, proxies=()))
    torch.rand(5), random.random(), np.random.rand()
    assert differences(collect(space, CODES, HOW, cache_folder=tmp_path)[0], table) == []


def test_the_global_generators_are_left_alone(space):
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    collect_one(space, "norms-4", Collection(samples=4))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state()[1].tolist())


def test_the_network_is_left_as_it_was_found(space):
    passes = look_at(space, "norms-4", HOW)
    before = copy.deepcopy(passes.network.state_dict())
    for statistic in STATISTICS.values():
        with suppress(AbsentPass):
            statistic.function(passes, HOW.sizes)
    after = passes.network.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    for module in passes.network.modules():
        assert not (module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)
        assert module.training and "forward" not in vars(module)
    assert all(p.grad is None and p.requires_grad for p in passes.network.parameters())


def test_the_batch_is_the_same_for_all_architectures(space):
    assert torch.equal(look_at(space, "plain-3", HOW).inputs, look_at(space, "deep-6", HOW).inputs)


def test_seeds_differ(space):
    one, other = (collect_one(space, "plain-3", Collection(seed=s, samples=4, proxies=())) for s in (0, 1))
    for name in ("activation", "weight", "input", "initial_loss", "jacobian_gram"):
        first = (values[0] if isinstance(values, list) else values for values in (one.values[name], other.values[name]))
        assert not torch.equal(*first), name
    assert one.columns == other.columns  # structure only


def test_architectures_of_one_kind_get_different_weights(space):
    """The weights belong to the code: equal layers of two architectures differ."""
    one, other = (look_at(space, code, HOW).network for code in ("plain-3", "deep-3"))
    assert one[0].weight.shape == other[0].weight.shape and not torch.equal(one[0].weight, other[0].weight)


@pytest.mark.parametrize("kind", tiny.BROKEN)
def test_a_broken_generator_is_a_sentence_with_its_architecture(space, kind):
    with pytest.raises(StatisticsError, match=f"^{kind}-3: .*{REASONS[kind]}"):
        collect_one(space, f"{kind}-3", Collection(samples=4, proxies=()))


@pytest.mark.parametrize("workers", [1, 2])
def test_broken_generators_are_left_out_and_the_others_are_the_same(space, table, tmp_path, workers):
    """With one process and with two: the table is that of the sound ones alone, bit for bit."""
    codes = [code for pair in zip((f"{kind}-3" for kind in tiny.BROKEN), CODES) for code in pair]
    found, failures = collect(space, codes, HOW, cache_folder=tmp_path, workers=workers)
    assert list(failures) == [f"{kind}-3" for kind in tiny.BROKEN]
    assert all(reason.startswith(code) for code, reason in failures.items())
    assert differences(found, table) == []


def test_nothing_to_collect_is_an_error_that_tells_why(space, tmp_path):
    with pytest.raises(StatisticsError, match="in tiny: crash-3: .*does not run"):
        collect(space, ["crash-3", "crash-4"], HOW, cache_folder=tmp_path)
    with pytest.raises(StatisticsError, match="no architecture was given"):
        collect(space, [], HOW, cache_folder=tmp_path)


def test_an_unknown_architecture_is_an_error(space, tmp_path):
    with pytest.raises(SpaceError, match="nonsense"):
        collect(space, ["plain-3", "nonsense"], HOW, cache_folder=tmp_path)


def test_dead_networks_are_flagged_and_kept(space, tmp_path):
    codes = ["constant-3", "plain-3", "still-3", "sealed-3"]
    found, failures = collect(space, codes, HOW, cache_folder=tmp_path)
    assert not failures and list(found.architectures) == codes
    assert found.dead == {
        "constant-3": "the output does not depend on the input",
        "still-3": "all gradients are zero",
        "sealed-3": "sealed by its structure",
    }
    assert found.alive.tolist() == [False, True, False, False]


def test_zero_gradients_are_no_death_for_a_forward_only_look(space):
    assert collect_one(space, "still-3", Collection(statistics=("activation",), samples=4, proxies=())).dead == ""


def test_only_what_is_asked_for_is_collected(space, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a backward pass")

    monkeypatch.setattr(torch.autograd, "grad", refuse)
    how = Collection(statistics=("activation", "agreement", "jacobian_gram"), samples=4, proxies=())
    found, _ = collect(space, ["plain-3"], how, cache_folder=tmp_path)
    assert list(found.values) == ["activation", "agreement", "jacobian_gram"]
    assert not set(PROXIES) & set(found.columns)


@pytest.mark.parametrize("statistics, proxies", [(("total_params",), ()), ((), ("nwot",))])
def test_a_table_without_any_layer_statistic(space, tmp_path, statistics, proxies):
    how = Collection(statistics=statistics, proxies=proxies, samples=4, proxy_samples=4)
    found, _ = collect(space, ["plain-3", "deep-4"], how, cache_folder=tmp_path)
    assert found.layers == 0 and list(found.values) == list(statistics)
    assert set(found.columns) >= set(proxies)
    assert differences(found.select(["plain-3", "deep-4"]), found) == []


def test_unknown_names_get_the_nearest_match(space, tmp_path):
    for how, hint in ((Collection(statistics=("activatin",)), "activation"), (Collection(proxies=("nwto",)), "nwot")):
        with pytest.raises(Exception, match=f"Did you mean '{hint}'"):
            collect(space, ["plain-3"], how, cache_folder=tmp_path)


def test_what_is_cached_is_not_computed_again(space, table, tmp_path, monkeypatch):
    assert fill(space, CODES, HOW, cache_folder=tmp_path) == {}
    monkeypatch.setattr(collection, "collect_one", lambda *a: pytest.fail("computed again"))
    assert differences(collect(space, CODES, HOW, cache_folder=tmp_path)[0], table) == []


def test_failures_are_tried_again(space, tmp_path):
    for _ in range(2):
        assert list(fill(space, ["crash-3", "plain-3"], HOW, cache_folder=tmp_path)) == ["crash-3"]


def test_double_codes_are_collected_once(space, tmp_path):
    assert collect(space, ["plain-3", "plain-3"], HOW, cache_folder=tmp_path)[0].architectures == ("plain-3",)


def test_progress_counts_every_look(space, tmp_path):
    seen: list[tuple[int, int]] = []
    fill(space, CODES[:3], HOW, cache_folder=tmp_path, on_progress=lambda *count: seen.append(count))
    assert seen == [(i, 6) for i in range(7)]  # statistics and proxies of three architectures
    seen.clear()
    fill(space, CODES[:4], HOW, cache_folder=tmp_path, on_progress=lambda *count: seen.append(count))
    assert seen == [(6, 8), (7, 8), (8, 8)]


def test_proxies_and_statistics_have_their_own_batch(space, tmp_path):
    found, _ = collect(space, ["plain-3"], HOW, cache_folder=tmp_path)
    assert found.values["input_gradient_correlation"].shape == (1, 4, 4)
    sizes = sorted(len(load(path, ()).columns) for path in tmp_path.rglob("*.safetensors"))
    assert [size for size in sizes if size] == [1, 2, 7]  # a dear proxy; two cheap ones; seven descriptors


def test_nothing_is_collected_twice(space, tmp_path, monkeypatch):
    """More statistics of a pass, or another initialisation, add what was missing; the table is that of one look."""
    looked = []
    collect_one = collection.collect_one
    monkeypatch.setattr(collection, "collect_one", lambda s, c, how: looked.append(how) or collect_one(s, c, how))
    described = []
    describe = tiny.Tiny.describe
    monkeypatch.setattr(tiny.Tiny, "describe", lambda *a: described.append(1) or describe(*a))
    few = Collection(statistics=("activation", "ones_gradient"), proxies=(), samples=4)
    one = collect(space, ["norms-4"], few, cache_folder=tmp_path)[0]
    assert list(one.values) == ["activation", "ones_gradient"] and len(looked) == len(described) == 1
    collect(space, ["norms-4"], replace(few, statistics=("agreement", "layer_synflow")), cache_folder=tmp_path)
    assert len(looked) == 1  # the passes were read already
    hows = [Collection(proxies=(), samples=4, seed=seed) for seed in (0, 1)]
    fill(space, ["norms-4"], hows, cache_folder=tmp_path)
    assert len(looked) == 3 and len(described) == 1
    assert not {"activation", "agreement", "ones_gradient"} & set(looked[1].statistics)
    assert set(looked[2].statistics) == set(STATISTICS)
    whole = assemble([collect_one(space, "norms-4", hows[0])])
    assert differences(collect(space, ["norms-4"], hows[0], cache_folder=tmp_path)[0], whole) == []


def test_a_piece_is_what_a_look_at_it_alone_would_leave(space):
    """Also whether a network is dead: a look without gradients cannot know that all of them are zero."""
    for code in ("plain-3", "still-3"):
        whole = collect_one(space, code, HOW)
        for part in HOW.parts():
            for piece in part.pieces():
                alone = described(space, code) if piece.descriptors_only else collect_one(space, code, piece)
                found = piece_of(whole, piece) if part.statistics is None else None
                if found is not None:
                    assert found.dead == alone.dead and found.columns == alone.columns
                    assert all(same(found.values[name], alone.values[name]) for name in alone.values)


def test_descriptors_are_only_read_off_when_asked_for(space, monkeypatch):
    monkeypatch.setattr(tiny.Tiny, "describe", lambda *_: pytest.fail("described"))
    how = Collection(statistics=("activation", "total_params"), proxies=(), samples=4, describe=False)
    record = collect_one(space, "plain-3", how)
    assert record.columns == {} and list(record.values) == ["activation", "total_params"]


@pytest.mark.parametrize("code", ["plain-3", "crash-3"])
def test_the_number_of_threads_is_left_alone(space, tmp_path, code):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        fill(space, [code], HOW, cache_folder=tmp_path)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_only_the_wide_pass_sees_the_whole_batch(space):
    passes = look_at(space, "plain-3", Collection(samples=24))
    assert len(passes.inputs) == len(passes.noise.output) == len(passes.perturbed.output) == Passes.NARROW
    assert len(passes.wide_inputs) == len(passes.wide.output) == 24
    assert torch.equal(passes.inputs, passes.wide_inputs[: Passes.NARROW])


def test_what_the_narrow_passes_show_does_not_depend_on_the_batch(space):
    """The noise is drawn for the narrow part alone, so that more samples change the wide statistics only."""
    wide = ("inflow_decodability", "inflow_entropy", "code_decodability", "code_entropy")
    one, other = (collect_one(space, "norms-4", Collection(samples=n, proxies=())).values for n in (16, 40))
    changed = [name for name in one if not same(one[name], other[name])]
    assert set(changed) <= set(wide) and "code_entropy" in changed


def same(one, other) -> bool:
    """Bit for bit, absent layers and absent values too."""
    pairs = zip(one, other) if isinstance(one, list) else [(one, other)]
    return all(a is b if a is None or b is None else torch.allclose(a, b, 0, 0, equal_nan=True) for a, b in pairs)


def test_a_network_built_twice_is_the_same(space):
    one, other = (look_at(space, "linear-4", HOW).network for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values()))
    assert isinstance(one, nn.Module) and one.training


def test_failures_are_recalled_instead_of_looked_at(space, tmp_path):
    codes = ["plain-3", "crash-3", "nan-4"]
    found, failed = collect(space, codes, HOW, cache_folder=tmp_path)
    counts: list[tuple[int, int]] = []
    again = collect(space, codes, HOW, cache_folder=tmp_path, on_progress=lambda *count: counts.append(count))
    assert counts == [(6, 6)] and again[1] == failed and list(failed) == ["crash-3", "nan-4"]
    assert differences(again[0], found) == []
    assert fill(space, codes, HOW, cache_folder=tmp_path, retry=True) == failed


def test_a_generator_that_works_again_is_forgotten_as_a_failure(space, tmp_path, monkeypatch):
    def failing(passes, sizes):
        raise RuntimeError("not today")

    name = "activation"
    failing.__module__ = STATISTICS[name].function.__module__  # else it would have files of its own
    how = Collection(statistics=(name,), proxies=(), samples=4)
    monkeypatch.setitem(STATISTICS._items, name, replace(STATISTICS[name], function=failing))
    assert "not today" in fill(space, ["plain-3"], how, cache_folder=tmp_path)["plain-3"]
    monkeypatch.undo()
    assert "not today" in fill(space, ["plain-3"], how, cache_folder=tmp_path)["plain-3"]
    assert fill(space, ["plain-3"], how, cache_folder=tmp_path, retry=True) == {}
    assert fill(space, ["plain-3"], how, cache_folder=tmp_path) == {} and not list(tmp_path.rglob("*.failed.json"))


@pytest.mark.parametrize("samples", [0, 17])
def test_more_samples_than_gradients_see_are_refused(samples):
    with pytest.raises(ConfigError, match=f"proxy_samples <= 16 must hold, but got proxy_samples={samples}"):
        Collection(proxy_samples=samples)


def test_cached_tells_whether_everything_is_there(space, tmp_path):
    fill(space, ["plain-3"], HOW, cache_folder=tmp_path)
    assert cached(space, ["plain-3"], HOW, tmp_path) and not cached(space, ["plain-3", "deep-3"], HOW, tmp_path)
    assert not cached(space, ["plain-3"], replace(HOW, seed=1), tmp_path)


def test_a_table_of_some_statistics_is_that_part_of_the_whole(space, table, tmp_path):
    some = collect(space, CODES, HOW, cache_folder=tmp_path, only=("gradient", "initial_loss"))[0]
    assert {"gradient", "initial_loss", "macs"} <= set(some.values) and "activation" not in some.values
    part = replace(table, types=some.types, values={name: table.values[name] for name in some.values})
    assert differences(some, part) == []


class Partly(nn.Module):
    """A convolution, and a recurrent layer that is not seen."""

    def __init__(self, width: int):
        super().__init__()
        self.layer, self.steps = nn.Conv2d(3, 3, 5, padding=2), nn.RNN(3, width, batch_first=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = self.layer(images)
        return found + self.steps(found.mean(2).transpose(1, 2))[0].mean()


def test_what_is_not_seen_is_noted_or_refused(tmp_path):
    space = ChoiceSpace(
        {"width": (4, 40)}, Partly, inputs=(3, 8, 8), loss=lambda outputs, batch: outputs.square().mean()
    )
    how = Collection(samples=4, statistics=("channels",), proxies=())
    record = collect_one(space, "4", how)
    assert record.note.startswith("Only 8") and "steps (4)" in record.note
    save(record, tmp_path / "record")
    assert load(tmp_path / "record", ("channels",)).note == record.note
    assert assemble([record]).notes == {"4": record.note}
    with pytest.raises(StatisticsError, match=r"^40: Only .* less than half"):
        collect_one(space, "40", how)


def test_a_table_does_not_rest_on_the_default_device(tmp_path):
    """Weights and inputs, too, are drawn where they always are."""
    space, how = AutoGAN(width=4, latent=4, resolution=16), Collection(samples=6, proxy_samples=4)
    here, _ = collect(space, ["0201-01111-00103"], how, cache_folder=tmp_path / "here")
    torch.set_default_device("meta")
    try:
        there, failed = collect(space, ["0201-01111-00103"], how, cache_folder=tmp_path / "there")
    finally:
        torch.set_default_device(None)
    assert not failed and there.digest == here.digest
    assert all(
        torch.equal(there.columns[name].nan_to_num(7), here.columns[name].nan_to_num(7)) for name in here.columns
    )

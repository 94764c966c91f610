"""Sums over products: letters, pairs and orders against torch and brute force; what is a layer, what is not seen."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gpproxy.recording.contraction import cheapest, steps
from gpproxy.search_spaces.batch import Batch
from gpproxy.statistics.passes import Passes
from tests.recording.test_recorder import N, Net, assert_alike, look, values


@settings(deadline=None, max_examples=40)
@given(st.lists(st.permutations("abcd").map(lambda p: "".join(p[:2])), min_size=2, max_size=4), st.randoms())
def test_a_product_of_many_factors_is_that_of_its_pairs(terms: list[str], rng):
    letters = sorted(set("".join(terms)))
    made = "".join(rng.sample(letters, rng.randint(0, len(letters))))
    sizes = dict(zip("abcd", (2, 3, 4, 5)))
    generator = torch.Generator().manual_seed(0)
    factors = [torch.rand([sizes[c] for c in term], generator=generator, dtype=torch.float64) for term in terms]
    value = factors[0]
    for step, factor in zip(steps(terms, made), factors[1:]):
        value = torch.einsum(step, value, factor)
    torch.testing.assert_close(value, torch.einsum(f"{','.join(terms)}->{made}", *factors))


def cost(sizes: list[int], order: tuple[int, ...]) -> int:
    """Multiplications of a chain of matrices whose inner sizes, by their numbers, are summed in this order."""
    left, total = dict(enumerate(sizes)), 0
    for k in order:
        places = sorted(left)
        i = places.index(k)
        total += left[places[i - 1]] * left[k] * left[places[i + 1]]
        del left[k]
    return total


@settings(deadline=None)
@given(st.lists(st.integers(1, 30), min_size=3, max_size=6))
def test_the_cheapest_order_of_a_chain_is_the_best_of_all(sizes: list[int]):
    splits = cheapest(sizes)

    def price(first: int, last: int) -> int:
        if first == last:
            return 0
        middle = splits[first, last]
        product = sizes[first] * sizes[middle + 1] * sizes[last + 1]
        return price(first, middle) + price(middle + 1, last) + product

    inner = range(1, len(sizes) - 1)
    assert price(0, len(sizes) - 2) == min(cost(sizes, order) for order in itertools.permutations(inner))


def chain(way: str, wide: int) -> Net:
    """Two linear layers as one call; with a narrow second one it costs less to multiply their weights first."""
    first, second = values(5, 8), values(8, wide, seed=1)

    def call(net: Net, x: Tensor) -> Tensor:
        if way == "matrices":
            return x @ net.first @ net.second if wide > 3 else x @ (net.first @ net.second)
        if way == "einsum":
            return torch.einsum("bi,ij,jk->bk", x, net.first, net.second)
        if way == "multi_dot":
            return torch.linalg.multi_dot([x, net.first, net.second])
        return torch.chain_matmul(x, net.first, net.second)

    return Net(call, first=first, second=second)


@pytest.mark.parametrize(("way", "wide"), [("einsum", 7), ("multi_dot", 7), ("chain_matmul", 7), ("multi_dot", 3)])
@pytest.mark.filterwarnings("ignore:torch.chain_matmul is deprecated")
def test_a_chain_of_matrices_is_its_products(way: str, wide: int):
    x = torch.randn(N, 5, generator=torch.Generator().manual_seed(1))
    one, other = look(chain("matrices", wide), x), look(chain(way, wide), x)
    assert_alike(one, other)
    assert len(one.layers) == (2 if wide > 3 else 1)
    assert {name for layer in other.layers for name in layer.sources} == {"first", "second"}
    torch.testing.assert_close(other.output, chain(way, wide)(x).detach())


def test_a_low_rank_weight_between_two_activations_is_a_layer():
    def call(net: Net, x: Tensor) -> Tensor:
        return torch.einsum("...i,ij,...j->...", x, net.form, x)[:, None]

    net = Net(call, form=values(5, 5))
    x = torch.randn(N, 5, generator=torch.Generator().manual_seed(1))
    record = look(net, x)
    (layer,) = record.layers
    torch.testing.assert_close(layer.activation, x @ net.form.detach())
    gradient = torch.autograd.grad(net(x).square().mean(), net.form)[0]
    torch.testing.assert_close(layer.weight_gradient, gradient.T)


def test_a_sum_with_an_axis_that_comes_twice_is_not_seen():
    def call(net: Net, x: Tensor) -> Tensor:
        return net.main(torch.einsum("bi,ii->bi", x, net.diagonal))

    net = Net(call, diagonal=values(5, 5), main=nn.Linear(5, 2))
    loss = lambda output, batch: output.square().mean()  # noqa: E731
    seen = Passes(net, Batch(torch.randn(N, 5)), loss, torch.Generator().manual_seed(0)).seen
    assert seen.unseen == ("diagonal",) and seen.parameters == 12 / 37

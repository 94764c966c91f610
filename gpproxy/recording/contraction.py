"""Sums over products of tensors, by letters for their axes: matrix products, `einsum`, `tensordot` and chains of them.

In: the factors as torch was given them. Out: letters for the axes of each factor and of the product, the pairs that a
product of many factors is made of, and which axes of a layer count samples and channels. This file needs torch only: an
exported proxy carries a copy of what it uses of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gpproxy.recording.layer import Axes

#: Letters of axes that an ellipsis stands for come after this one; those of a spelling before.
_ELLIPSIS = 0x3B0


def spelling(name: str, args: Any, kwargs: Any, given: list[Tensor]) -> tuple[list[str], str] | None:
    """Letters for the axes of the factors of `einsum`, `tensordot` or `inner`, and of their product; None for a
    single factor, and where an axis comes twice in one of them.
    """
    if len(given) < 2:
        return None
    if name in ("tensordot", "inner"):
        dims = ([-1], [-1]) if name == "inner" else args[2] if len(args) > 2 else kwargs.get("dims", 2)
        counts = given[0].ndim, given[1].ndim
        first, second = ([*map(chr, range(start, start + n))] for start, n in zip((97, 65), counts))
        pairs = zip(*dims) if not isinstance(dims, int) else zip(range(counts[0] - dims, counts[0]), range(dims))
        gone = [(int(i) % counts[0], int(j) % counts[1]) for i, j in pairs]
        for i, j in gone:
            second[j] = first[i]
        summed = {first[i] for i, _ in gone}
        return ["".join(first), "".join(second)], "".join(c for c in first + second if c not in summed)
    if not isinstance(args[0], str):
        return None
    left, _, made = args[0].replace(" ", "").partition("->")
    terms = left.split(",")
    for i, (term, tensor) in enumerate(zip(terms, given)):
        left_out = tensor.ndim - len(term.replace("...", ""))
        dots = "".join(map(chr, range(_ELLIPSIS + 21 - left_out, _ELLIPSIS + 21)))
        terms[i] = term.replace("...", dots)
    dots = max(("".join(c for c in term if ord(c) > _ELLIPSIS) for term in terms), key=len)
    if "->" not in args[0]:
        both = "".join(terms)
        made = "..." + "".join(sorted(c for c in set(both) if both.count(c) == 1 and ord(c) <= _ELLIPSIS))
    made = made.replace("...", dots)
    if len(terms) != len(given) or any(len(set(term)) < len(term) for term in terms):
        return None
    return terms, made


def steps(terms: list[str], made: str) -> list[str]:
    """The products of two factors, as `einsum` is told them, that a product of many is made of: from left to right,
    each axis summed as soon as no further factor has it."""
    plain = dict(zip(dict.fromkeys("".join(terms)), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    terms, made = (["".join(plain[c] for c in term) for term in terms], "".join(plain[c] for c in made))
    found, value = [], terms[0]
    for i, term in enumerate(terms[1:], 2):
        needed = set(made).union(*terms[i:])
        kept = "".join(c for c in dict.fromkeys(value + term) if c in needed) if i < len(terms) else made
        found.append(f"{value},{term}->{kept}")
        value = kept
    return found


def cheapest(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to split a chain of matrices, `sizes[i] x sizes[i + 1]`, so that it costs the fewest multiplications: of
    the matrices from the first to the last of a key, the last one of the left part (Cormen et al., 2009, 15.2)."""
    count = len(sizes) - 1
    costs = {(i, i): 0 for i in range(count)}
    splits: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            options = {k: costs[i, k] + costs[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            splits[i, j] = min(options, key=options.__getitem__)
            costs[i, j] = options[splits[i, j]]
    return splits


def product_letters(factors: list[Tensor], right: int) -> tuple[str, str, str]:
    """Letters for the axes of input, weight and output of a matrix product; the input is the `right` factor or not."""
    first, second = factors[0].ndim, factors[1].ndim
    batch = "".join(map(chr, range(97, 97 + max(first, second) - 2)))
    one, two = batch[len(batch) - max(first - 2, 0) :] if first > 2 else "", batch[len(batch) - max(second - 2, 0) :]
    two = two if second > 2 else ""
    a, b = one + ("yz" if first > 1 else "z"), two + ("zx" if second > 1 else "z")
    made = batch + ("y" if first > 1 else "") + ("x" if second > 1 else "")
    return (b, a, made) if right else (a, b, made)


@dataclass(frozen=True)
class Contraction:
    """A layer that sums over axes of its input. Arguments are those of the same name of `Call`."""

    output: Axes
    input: Axes
    per_sample: bool
    turn: tuple[tuple[int, ...], int]


def contraction(weight: Tensor, inside: str, inner: str, made: str, axis: int | None, changing: bool) -> Contraction:
    """Reads a layer off the letters of its axes. Axes that input, weight and output share are groups, unless they count
    the samples.

    Args:
        inside, inner, made: letters for the axes of input, weight and output.
        axis: the axis of the input that counts the samples.
        changing: whether the weight depends on the batch.
    """
    sample = "" if axis is None else inside[axis]
    # An axis of one that is stretched is none that the weight has.
    stretched = [n == 1 and letter in made and letter in inside for letter, n in zip(inner, weight.shape)]
    inner = "".join(chr(200 + i) if gone else inner[i] for i, gone in enumerate(stretched))
    changing = changing or sample in inner and weight.stride(inner.index(sample)) == 0
    own = bool(sample) and sample in inner and changing
    if sample in inner and not own:  # it counts groups of a constant, not samples
        sample, axis = "", None
    groups = [letter for letter in inner if letter in inside and letter in made and not (own and letter == sample)]
    outputs = groups + [letter for letter in inner if letter in made and letter not in inside]
    inputs = [letter for letter in inner if letter not in outputs and not (own and letter == sample)]
    order = [*([sample] if own else []), *outputs, *inputs]
    place = made.index(sample) if sample in made and sample else None
    return Contraction(
        Axes(place, tuple(made.index(letter) for letter in outputs)),
        Axes(axis, tuple(inside.index(letter) for letter in groups + inputs if letter in inside)),
        own,
        (tuple(inner.index(letter) for letter in order), len(outputs)),
    )

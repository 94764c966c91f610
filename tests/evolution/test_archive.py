"""The archive keeps the best per complexity in a fixed order."""

from random import Random

import pytest

from gpproxy.evolution.archive import Archive

from .test_selection import make


def test_order_does_not_matter():
    rng = Random(0)
    pool = [make(round(rng.random(), 2), rng.randrange(1, 12), rng.randrange(5)) for _ in range(300)]
    archive = Archive(3, pool)
    shuffled = pool[:]
    rng.shuffle(shuffled)
    assert [i.key for i in Archive(3, shuffled).members] == [i.key for i in archive.members]
    assert Archive(3, archive.members).members == archive.members


def test_width_best_and_front():
    archive = Archive(2)
    assert archive.add([make(0.5, 3, 1, "a"), make(0.4, 3, 1, "b"), make(0.3, 3, 1, "c"), make(0.45, 5, 2, "d")])
    assert [(i.complexity, i.quality) for i in archive.members] == [(3, 0.5), (3, 0.4), (5, 0.45)]
    assert [i.quality for i in archive.front()] == [0.5]
    assert archive.best.quality == 0.5 and len(archive) == 3
    assert not archive.add([make(0.49, 2, 1, "e")])
    assert archive.add([make(0.6, 9, 1, "f")])


def test_the_simplest_of_equal_rankings_replaces_the_other():
    archive = Archive(4, [make(0.5, 9, 1, "a")])
    assert not archive.add([make(0.5, 3, 1, "a")])
    assert [i.complexity for i in archive.members] == [3]


def test_backward_and_invalid_formulas_stay_out():
    archive = Archive(4, [make(-0.5, 3, 1), make(-1, 2, 1, "", "constant")])
    assert archive.members == () and archive.front() == ()
    with pytest.raises(ValueError):
        _ = archive.best

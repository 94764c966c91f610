"""Which points no other beats in every respect: fronts, and how lonely a point is inside its front.

In: points of one or more objectives, all of them to be small, as `point x objective`. Out: positions of points, in the
order given; equal points share a front. Infinities are ordered like numbers; NaN is refused. moocore sorts.
Source: Deb et al. (2002), NSGA-II, for both; Kung, Luccio, Preparata (1975) and Jensen (2003) for the sorting.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Points = Sequence[Sequence[float]] | np.ndarray


def undominated(points: Points, equal: bool = True) -> np.ndarray:
    """Whether no other point is as small in every objective and smaller in one: `point` -> bool.

    Args:
        equal: whether all of several equal points count, or the first of them only.

    Raises ValueError for NaN.

    >>> undominated([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0]]).tolist()
    [True, True, False]
    """
    places = _places(points)
    if not len(places):
        return np.zeros(0, dtype=bool)
    import moocore  # a tenth of a second, and the light commands come past here

    return np.asarray(moocore.is_nondominated(places, keep_weakly=equal), dtype=bool)


def front_numbers(points: Points) -> np.ndarray:
    """Number of the front of each point: 0 where nothing dominates, 1 where only those of front 0 do, and so on.

    Raises ValueError for NaN.
    """
    places = _places(points)
    if not len(places):
        return np.zeros(0, dtype=int)
    import moocore

    return np.asarray(moocore.pareto_rank(places), dtype=int)


def fronts(points: Points) -> list[list[int]]:
    """Positions of the points by front, the best front first, positions ascending. Raises ValueError for NaN."""
    numbers = front_numbers(points)
    if not len(numbers):
        return []
    order, sizes = np.argsort(numbers, kind="stable"), np.bincount(numbers)
    return [part.tolist() for part in np.split(order, np.cumsum(sizes)[:-1])]


def crowding(points: Points, flat_ends: bool = False) -> np.ndarray:
    """Size of the gap around each point of one front, larger is lonelier, infinite at the ends of each objective.

    Args:
        points: of one front; of equal values the earlier point counts as the smaller one.
        flat_ends: whether the first and the last point are ends of an objective in which all points are equal, too.
    """
    table = np.asarray(points, dtype=float)
    distance = np.zeros(len(table))
    for column in table.T if len(table) else ():
        order = np.argsort(column, kind="stable")
        ranked = column[order]
        extent = ranked[-1] > ranked[0]
        if extent or flat_ends:
            distance[order[[0, -1]]] = np.inf
        if extent and np.isfinite(ranked).all():
            distance[order[1:-1]] += (ranked[2:] - ranked[:-2]) / (ranked[-1] - ranked[0])
    return distance


def _places(points: Points) -> np.ndarray:
    """Each value as its place among the different ones of its objective: moocore goes wrong over infinities."""
    table = np.asarray(points, dtype=float)
    if np.isnan(table).any():
        raise ValueError("Points with NaN cannot be ordered. Give what has no value the worst one, infinity.")
    if table.size == 0:
        return table
    return np.stack([np.unique(column, return_inverse=True)[1].reshape(-1) for column in table.T], axis=1).astype(float)

"""What is kept: within the limit, and the dearest per byte."""

from __future__ import annotations

from gpproxy.expressions.evaluation.cache import OVERHEAD, Cache


def test_the_limit_holds_and_worth_decides():
    cache: Cache[str] = Cache()
    cache.put(b"dear", "dear", 1000, 1e6)
    cache.put(b"cheap", "cheap", 100_000, 1e3)
    cache.put(b"small", "small", 10, 1e5)
    assert cache.bytes == 101_010 + 3 * OVERHEAD
    cache.shrink(10_000)
    assert b"cheap" not in cache and b"dear" in cache and b"small" in cache
    cache.shrink(0)
    assert len(cache) == 0 and cache.bytes == 0


def test_what_is_not_used_ages():
    cache: Cache[int] = Cache()
    cache.put(b"old", 0, 0, 100.0 * OVERHEAD)
    for i in range(2000):
        cache.put(i.to_bytes(4, "big"), i, 0, 10.0 * OVERHEAD)
        cache.shrink(10 * OVERHEAD)
    assert b"old" not in cache and len(cache) == 10


def test_values_are_taken_out():
    cache: Cache[str] = Cache()
    cache.put(b"a", "value", 8, 2.0)
    cache.put(b"a", "other", 8, 2.0)
    assert cache.pop(b"a") == ("value", 2.0) and b"a" not in cache and cache.bytes == 0
    cache.put(b"a", "again", 8, 2.0)
    cache.shrink(10_000)
    assert b"a" in cache

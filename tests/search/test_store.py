"""The store gives back what was committed, whatever its end looks like, and tells what is wrong with a file."""

from __future__ import annotations

import errno
import math
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gpproxy.errors import RunError
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Work
from gpproxy.search.store import NAME, Store
from gpproxy.search.stored import key_of
from tests.search.setups import candidate

MANY = [
    Scored("a", (0.1 + 0.2, -1e300), 3.0, 4.0, 0.25, note="97 % is seen"),
    Scored("b", (-math.inf, -math.inf), 1.0, 2.0, problem="dead: no path"),
    Scored("c", (math.nan, 1.0), 1.0, 2.0, problem="non-finite (log)", spreads=(math.nan, 5e-324)),
    Scored("d", (math.nan, math.nan), 1.0, 2.0, 9.0, slow=True),
    Scored("é\u2028", (-0.0, 0.0), math.nan, math.nan, problem="ValueError: no", failed=True),
]


def test_every_digit_and_every_state_come_back(tmp_path: Path) -> None:
    with Store.open(tmp_path / NAME, 2) as store:
        store.add(MANY[:2], Work(2, 2, 1, 0.5), 0.0)
        store.commit()
        store.add(MANY[2:], Work(1, 1, 0, 0.25), 7.5)
        store.commit()
    with Store.open(tmp_path / NAME, 2) as store:
        assert repr(store.rows(0, 99)) == repr(MANY) and repr(store.rows(2, 1)) == repr(MANY[2:3])
        assert (store.work, store.seconds, store.count, store.slow) == (Work(3, 3, 1, 0.75), 7.5, 5, 1)
        assert [*store.notes()] == ["97 % is seen"]
        assert dict(store.problems()) == {"dead: no path": 1, "non-finite (log)": 1, "ValueError: no": 1}
        assert repr([*store.scores(1)]) == "[-1e+300, -inf, 1.0, 0.0]"
        store.rank()
        store.finish()
    with Store.read(tmp_path / NAME) as store:
        assert [one.code for _, _, one in store.by_rank(1, 9)] == ["a", "é\u2028", "b", "c"] and store.ranked == 4
        assert repr([*store.points("macs")][:2]) == "[(4.0, 0.30000000000000004), (nan, 0.0)]"
    assert [path.name for path in tmp_path.iterdir()] == [NAME]  # a single file


def test_proposals_are_known_and_those_after_the_state_forgotten(tmp_path: Path) -> None:
    with Store.open(tmp_path / NAME, 1) as store:
        assert store.state() is None
        store.propose(key_of("x"), 0)
        store.propose(key_of("y"), None)
        store.add([candidate("x", 5.0)], Work(), 0.0)
        store.save({"rng": [3, [1, 2], None], "best": math.inf})
        store.propose(key_of("z"), 1)
        assert [store.recall(key_of(text), 1) for text in "xyzw"] == [5.0, -math.inf, None, None]
        assert store.recall(key_of("x"), 0) is None  # not told yet
        store.commit()
    with Store.open(tmp_path / NAME, 1) as store:
        assert store.proposed(key_of("z"))
        assert store.state() == {"rng": [3, [1, 2], None], "best": math.inf, "place": 2}
        assert [store.proposed(key_of(text)) for text in "xyz"] == [True, True, False]
        assert store.drop(0) == 1 and store.count == 0
        store.clear()
        assert store.state() is None and not store.proposed(key_of("x"))


SCRIPT = """
import sys, time
from gpproxy.proxies.scored import Scored
from gpproxy.proxies.scorer import Work
from gpproxy.search.store import Store
store = Store.open(sys.argv[1], 1)
for number in range(10**9):
    store.add([Scored(f"{number}-{i}", (float(number),)) for i in range(3)], Work(1), 0.0)
    store.commit()
    print(number, flush=True)
"""


def test_a_killed_process_loses_no_batch(tmp_path: Path) -> None:
    path = tmp_path / NAME
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", SCRIPT.replace("sys.argv[1]", f"__import__('pathlib').Path({str(path)!r})")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = 0
    while told < 50:
        told = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    last = int(([told, *process.stdout.read().split()])[-1])
    process.wait()
    with Store.open(path, 1) as store:
        assert store.count % 3 == 0 and last + 1 <= store.count // 3 <= last + 2
        assert store.work.networks == store.count // 3


def test_a_full_disk_is_an_error_of_the_system_and_costs_one_batch(tmp_path: Path) -> None:
    store = Store.open(tmp_path / NAME, 1)
    store.add([candidate("x" * 1000, 1.0)], Work(), 0.0)
    store.commit()
    store._db.execute("PRAGMA max_page_count = 12")
    with pytest.raises(OSError, match="No space") as full:
        for number in range(1000):
            store.add([candidate(f"{number}" + "x" * 1000, 1.0)], Work(), 0.0)
            store.commit()
    assert full.value.errno == errno.ENOSPC and NAME in full.value.filename
    store.close()
    with Store.open(tmp_path / NAME, 1) as again:
        assert again.count >= 1 and again.rows(0, 1)[0].code == "x" * 1000


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_told_and_can_be_read(tmp_path: Path) -> None:
    with Store.open(tmp_path / NAME, 1) as store:
        store.add([candidate("a", 1.0)], Work(), 0.0)
        store.rank()
        store.finish()
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OSError, match="denied"):
            Store.open(tmp_path / NAME, 1)
        with Store.read(tmp_path / NAME) as store:
            assert store.ranked == 1
    finally:
        tmp_path.chmod(0o700)


def test_a_reader_is_told_of_the_search_that_writes(tmp_path: Path) -> None:
    with Store.open(tmp_path / NAME, 1) as store:
        store.commit()
        with pytest.raises(RunError, match=rf"{NAME} is in use by another process"):
            Store.read(tmp_path / NAME)


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00" + b"\x00" * 4096])
def test_what_is_no_store_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(RunError, match=rf"{NAME} is damaged: .*Take it from a copy"):
        Store.read(tmp_path / NAME)
    if content:
        with pytest.raises(RunError, match=rf"{NAME} is damaged"):
            Store.open(tmp_path / NAME, 1)


def test_sql_in_a_file_is_not_run(tmp_path: Path) -> None:
    Store.open(tmp_path / NAME, 1).close()
    with sqlite3.connect(tmp_path / NAME) as other:
        other.execute("CREATE TRIGGER mine AFTER INSERT ON candidates BEGIN DELETE FROM candidates; END")
    other.close()
    for make in (lambda: Store.open(tmp_path / NAME, 1), lambda: Store.read(tmp_path / NAME)):
        with pytest.raises(RunError, match="other tables than"):
            make()
    (tmp_path / NAME).unlink()
    Store.open(tmp_path / NAME, 3).close()
    with pytest.raises(RunError, match="3 scores per candidate, not 1"):
        Store.open(tmp_path / NAME, 1)


def test_a_store_of_another_version_is_named(tmp_path: Path) -> None:
    Store.open(tmp_path / NAME, 1).close()
    with sqlite3.connect(tmp_path / NAME) as other:
        other.execute("""UPDATE facts SET value = '{"version": 2, "proxies": 1}' WHERE name = 'form'""")
    other.close()
    with pytest.raises(RunError, match="not one of version 1"):
        Store.read(tmp_path / NAME)

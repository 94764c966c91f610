"""Ctrl-C, SIGTERM and a closed terminal, in processes of their own: the usual words and code, never a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gpproxy.run import interrupt
from gpproxy.run.interrupt import Patience, patient
from tests.commands import FAKE

ROOT = Path(__file__).parents[2]


def started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload]


@pytest.mark.parametrize(("moment", "number"), [(0.25, "SIGINT"), (0.9, "SIGINT"), (1.4, "SIGTERM"), (1.0, "SIGHUP")])
def test_a_signal_while_torch_is_imported_ends_with_the_usual_words(moment: float, number: str, tmp_path: Path) -> None:
    process = started("gpproxy.evolve", "--plugins", FAKE, "--benchmark", "fake", "--out", str(tmp_path / "run"))
    time.sleep(moment)
    process.send_signal(getattr(signal, number))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + getattr(signal, number)
    assert "Stopped" in said and "Traceback" not in said


def test_sigterm_finishes_the_generation_and_says_how_to_continue(tmp_path: Path) -> None:
    out = tmp_path / "run 1"
    flags = ["--plugins", FAKE, "--benchmark", "fake", "--train", "20", "--validation", "12", "--population", "24"]
    flags += ["--islands", "2", "--inits", "1", "--workers", "1", "--proxies", "none", "--generations", "100000"]
    process = started("gpproxy.evolve", *flags, "--patience", "0", "--out", str(out))
    until = time.monotonic() + 100
    while not (out / "state.json").is_file() and time.monotonic() < until:
        time.sleep(0.1)
    process.terminate()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 143 and "everything so far is saved" in said
    assert f"evolve --resume '{out}'" in said and "Traceback" not in said


def test_the_first_signal_waits_where_that_is_asked_for_and_the_second_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interrupt._state, "received", 0)  # other tests may have stopped a command in this process
    before = signal.getsignal(signal.SIGTERM)
    with patient() as patience:
        patience.waiting = True
        signal.raise_signal(signal.SIGTERM)
        assert patience.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before
    assert interrupt.exit_code() == 143


SWALLOWS = """
import signal
try:
    signal.raise_signal(signal.SIGINT)
    for _ in range(20_000):
        pass
except KeyboardInterrupt:
    swallowed = True
"""


def test_an_import_that_swallows_everything_swallows_no_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "swallows.py").write_text(SWALLOWS)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(KeyboardInterrupt), patient():
        import swallows  # type: ignore[import-not-found]

        assert not hasattr(swallows, "swallowed")
        time.sleep(5)
    interrupt._state.received = 0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarm on this system")
def test_an_alarm_that_is_set_again_does_not_end_the_process() -> None:
    signal.signal(signal.SIGALRM, interrupt._look_again)
    signal.setitimer(signal.ITIMER_REAL, 60)
    with pytest.raises(KeyboardInterrupt):
        interrupt._look_again(signal.SIGALRM, sys._getframe())
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with patient() as patience:
            signal.raise_signal(signal.SIGHUP)
            assert isinstance(patience, Patience) and not patience.asked
    finally:
        signal.signal(signal.SIGHUP, before)

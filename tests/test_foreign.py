"""Foreign code ends in time, prints elsewhere and does not end the process."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest

from gpproxy.foreign import Ended, foreign_code


def stubborn() -> None:
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


def deaf() -> None:
    """Swallows the first signal."""
    try:
        time.sleep(30)
    except BaseException:
        time.sleep(30)


@pytest.mark.parametrize("hanging", [lambda: time.sleep(30), stubborn, deaf])
def test_what_hangs_is_ended(hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpproxy.foreign.AGAIN", 0.1)
    begun = time.monotonic()
    with pytest.raises(Ended, match=r"took longer than 0\.2 s") as error, foreign_code(0.2):
        hanging()
    assert time.monotonic() - begun < 10 and not error.value.lasting


def test_nothing_comes_after_the_end() -> None:
    with foreign_code(0.1):
        pass
    time.sleep(0.2)
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_timer_of_others_goes_on() -> None:
    rung = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(Ended), foreign_code(0.05):
            time.sleep(1)
        with foreign_code(5):
            pass
        end = time.monotonic() + 10
        while not rung and time.monotonic() < end:
            time.sleep(0.01)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rung == [signal.SIGALRM]


def test_an_exit_is_an_error_that_lasts() -> None:
    with pytest.raises(Ended, match=r"was ended by sys.exit\(3\)") as error, foreign_code(0):
        sys.exit(3)
    assert error.value.lasting


def test_words_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with foreign_code(0):
        print("hello")
    assert tuple(capsys.readouterr()) == ("", "hello\n")


def test_another_thread_has_no_limit() -> None:
    done = []

    def work() -> None:
        with foreign_code(0.05):
            time.sleep(0.2)
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), foreign_code(5):
        1 / 0  # noqa: B018

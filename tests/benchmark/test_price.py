"""The estimate of a build, from a few real steps of tiny networks."""

from types import SimpleNamespace

import pytest

from gpproxy.benchmark import price as module
from gpproxy.benchmark.jobs import jobs
from gpproxy.benchmark.plan import plan
from gpproxy.benchmark.price import estimate
from gpproxy.benchmark.settings import BuildSettings
from tests.benchmark.fake import FakeTask


def test_seconds_add_up_over_jobs_and_longer_ones_take_longer(tmp_path):
    settings = BuildSettings(data="shapes", steps=10, batch=4, width=8, resolution=16, samples=20, out=str(tmp_path))
    task = FakeTask(settings)
    codes = plan(task.space, 4)
    found = estimate(task, jobs(codes, 2))
    assert 1 <= len(found.step) <= 3 and all(0 < step < 60 for step in found.step)
    assert found.total == pytest.approx(8 * found.training)
    assert not list(tmp_path.iterdir())


def test_seconds_follow_the_line_through_the_timed_steps(tmp_path, monkeypatch):
    settings = BuildSettings(data="shapes", steps=100, width=8, resolution=16, samples=20, out=str(tmp_path))
    task = FakeTask(settings)
    macs = {"a": 1.0, "b": 2.0, "c": 4.0}
    monkeypatch.setattr(module, "_macs", lambda task, code: macs[code])
    monkeypatch.setattr(module, "_step", lambda task, code: 0.5 + macs[code])
    monkeypatch.setattr(module, "_check", lambda task, code: 7.0)
    every = [SimpleNamespace(code=code, times=1) for code in macs] + [SimpleNamespace(code="a", times=5)]
    found = estimate(task, every)
    assert found.step == (1.5, 2.5, 4.5) and found.check == 7
    assert found.training == pytest.approx((150 + 250 + 450) / 3 + 4 * 7)
    assert found.total == pytest.approx(150 + 250 + 450 + 5 * 150 + 16 * 7)

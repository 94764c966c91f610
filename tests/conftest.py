"""One cache of statistics for all tests of a session, away from the user's, and the folder of third-party data."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def statistics_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GPPROXY_CACHE", str(tmp_path_factory.mktemp("statistics")))
        yield


@pytest.fixture(scope="session", autouse=True)
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of third-party data: GPPROXY_DATA, else `shared/data` beside the checkout; never the user's own."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    default = beside if beside.is_dir() else tmp_path_factory.mktemp("data")
    folder = Path(os.environ.get("GPPROXY_DATA") or default)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GPPROXY_DATA", str(folder))
        yield folder


@pytest.fixture
def data(third_party: Path) -> Path:
    """The folder of third-party data; the test is skipped where it holds nothing."""
    if not third_party.is_dir() or not any(third_party.iterdir()):
        pytest.skip(f"no third-party data in {third_party} (set GPPROXY_DATA)")
    return third_party


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on the table of `fake.py`: 20 training, 12 validation, 15 test architectures."""
    from gpproxy.evolve import run
    from tests.commands import small

    path = tmp_path_factory.mktemp("runs") / "run"
    run(small(path, generations=1, random_search=False, proxies="none", population=12))
    return path

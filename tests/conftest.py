"""One cache of statistics for all tests of a session, away from the user's."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def statistics_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GPPROXY_CACHE", str(tmp_path_factory.mktemp("statistics")))
        yield


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run on the table of `fake.py`: 20 training, 12 validation, 15 test architectures."""
    from gpproxy.evolve import run
    from tests.commands import small

    path = tmp_path_factory.mktemp("runs") / "run"
    run(small(path, generations=1, random_search=False, proxies="none", population=12))
    return path

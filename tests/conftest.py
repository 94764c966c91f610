"""One cache of statistics for all tests of a session, away from the user's."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def statistics_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GPPROXY_CACHE", str(tmp_path_factory.mktemp("statistics")))
        yield

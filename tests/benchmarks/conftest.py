"""A space of three digits for tables, and the folder of third-party data."""

import os
from pathlib import Path

import pytest

from tests.digits import card, codes, space  # noqa: F401


@pytest.fixture
def data():
    """The folder of third-party data; the test is skipped where it is absent."""
    default = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("GPPROXY_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no third-party data in {folder} (set GPPROXY_DATA)")
    return folder

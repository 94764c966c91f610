"""What the tests of the commands share: a small run on the made-up benchmark of `fake.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gpproxy.evolve import EvolveSettings

FAKE, SEVERAL = (str(Path(__file__).with_name(name)) for name in ("fake.py", "several.py"))


def small(out: Path | str = "", **changes: Any) -> EvolveSettings:
    """A run of a few seconds."""
    settings = {"benchmark": "fake", "train": 20, "validation": 12, "population": 24, "islands": 2, "generations": 4}
    return EvolveSettings(**{**settings, "inits": 2, "workers": 1, "plugins": (FAKE,), "out": str(out), **changes})

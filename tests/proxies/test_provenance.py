"""What a proxy has learnt from is known from its run, however its table has changed since."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gpproxy.errors import ConfigError
from gpproxy.proxies.provenance import training_provenance
from gpproxy.proxies.proxy import Proxy
from gpproxy.proxies.target import target_space
from gpproxy.registry import load_plugin
from gpproxy.run.folder import SPLIT
from gpproxy.score import ScoreSettings
from gpproxy.score.__main__ import main
from gpproxy.search_spaces.check import make_space
from tests.commands import FAKE


def test_a_run_knows_its_parts(small_run: Path) -> None:
    parts = json.loads((small_run / SPLIT).read_text())["fake"]
    # One of the twenty of the split returns NaN and could not be learnt from.
    assert parts["space"] == "fake" and len(parts["train"]) == 19 and len(parts["validation"]) == 12
    load_plugin(FAKE)
    space, codes = make_space("fake"), [*parts["test"], *parts["train"], *parts["validation"]]
    kept = training_provenance(Proxy.load(str(small_run))).held_out(codes, space)
    assert set(kept) == set(parts["test"]) and not training_provenance(Proxy.load("nwot")).codes
    assert training_provenance(Proxy.load(str(small_run / "proxy.py"))).held_out(codes, space) == kept


def test_a_file_without_its_run_is_not_judged(
    small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = tmp_path / "moved.py"
    moved.write_text((small_run / "proxy.py").read_text())
    known = training_provenance(Proxy.load(str(moved)))
    assert "discovered on fake" in known.unknown_of(make_space("fake"))
    assert not known.unknown_of(make_space("autogan"))
    assert main(["--proxy", str(moved), "--benchmark", "fake", "--plugins", FAKE, "--workers", "1"]) in (0, 1)
    assert "The scores are not judged" in capsys.readouterr().err


def test_labels_judge_on_what_was_held_out(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ScoreSettings(proxy=str(small_run), benchmark="fake", plugins=(FAKE,)).benchmark == "fake"
    main(["--proxy", str(small_run), "--benchmark", "fake", "--plugins", FAKE, "--workers", "1"])
    said = " ".join(capsys.readouterr().err.split())
    assert (
        "31 architectures that it has learnt from, or twins of them, are left out" in said and "fake, 16 arch" in said
    )


def test_a_run_is_applied_to_its_own_space_as_it_was_looked_at(small_run: Path) -> None:
    source = Proxy.load(str(small_run))
    assert target_space([source], "", {}) == (
        "fake",
        {"resolution": 8},
        "looks at fake with resolution=8, as the proxy's run did",
    )
    assert target_space([source], "fake", {"resolution": 12}) == ("fake", {"resolution": 12}, "")
    assert target_space([source], "autogan", {}) == ("autogan", {}, "")
    assert Proxy.load(str(small_run / "proxy.py")).spaces == source.spaces
    with pytest.raises(ConfigError, match="belongs to no space: choose with --space"):
        target_space([Proxy.load("nwot")], "", {})
    other = replace(source, label="other", spaces=(("fake", (("resolution", 16),)),))
    with pytest.raises(ConfigError, match="resolution=8 and .* resolution=16"):
        target_space([source, other], "", {})

"""What recipes say of their tasks."""

from __future__ import annotations

from gpproxy.tasks.registry import pictured, recipes


def test_pictures_of_rows_are_told() -> None:
    assert "held-out images" in pictured("vae-short") == pictured("vdvae-short")
    assert "input, output and target" in pictured("pix2pix-short")
    assert pictured("short") == pictured("no-such-recipe") == ""
    assert all(told == "" or told.endswith(".") for told in map(pictured, recipes()))

"""Seconds as people say them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Seconds, minutes, hours or days with two digits or three."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{minutes:.0f} min" if minutes < 100 else f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"

"""Campaigns against broken files and kills. `python -m tests.campaign --help`; the suite runs a short form of each."""

"""A run without terminal and files: prepare the data, choose a formula, judge it on the test."""

"""Formulas, architectures and fronts as pictures."""

"""Typed formulas: grammar, generation, text, structure, evaluation for a whole population, rewriting."""

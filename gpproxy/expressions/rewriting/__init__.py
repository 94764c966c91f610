"""Equal formulas that are shorter: laws, SymPy, what decides the ranking."""

"""Equal formulas that are shorter, and what of a formula decides the ranking.

In: a tree and its grammar. Out: a tree. `rewrite` applies what primitives declare and the laws of `rules`, in the loop
of an evolution; `simplify` asks SymPy (`symbols`, in the process of `algebra`) about finished formulas; `rank_form`
drops what does not change the order. The latter two verify their answer with an evaluator. Knows nothing of notation.
"""

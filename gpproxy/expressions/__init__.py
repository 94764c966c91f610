"""Typed formulas: trees of primitives over statistics, from their grammar to what people read.

In: the types of statistics and the registered primitives. Out: trees, their values on a table, shorter equal trees,
text. The files here are the core: `grammar` (what may be built), `nodes`, `fold` and `structure` (what a tree is made
of), `generate` (random trees), `text` (printing and parsing), `classical_formulas`. Around it stand three rooms, each
of which may use those named before it and none behind it:

1. the core, which knows of no room;
2. `evaluation`: the values of a whole population on all architectures at once;
3. `rewriting`: equal formulas that are shorter, and what of a formula decides the ranking;
4. `notation`: a formula as people read it.
"""

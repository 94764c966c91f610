"""A formula as people read it: one line, LaTeX, words."""

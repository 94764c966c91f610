"""What kinds of generators are trained for: one file per task, with its data, objective, recipes and measures."""

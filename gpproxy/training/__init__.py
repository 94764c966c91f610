"""How generators are trained, whatever their task: the loop, checkpoints, optimisers, outcomes."""

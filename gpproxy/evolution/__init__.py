"""Fitness, selection, variation, archive and the loop that turns a problem into a stream of generations."""

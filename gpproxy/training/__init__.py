"""Training of generators: recipes, games, the loop that plays them, and what a training leaves behind."""

from gpproxy.training import translation_recipe as translation_recipe  # adds its presets

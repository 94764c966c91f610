"""What kinds of generators are trained for: data, objectives, recipes, measures."""

from gpproxy.tasks import translation_recipe as translation_recipe  # adds its presets

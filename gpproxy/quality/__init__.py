"""How close generated images come to real ones: feature extractors and distances between sets of features."""

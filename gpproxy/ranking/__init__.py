"""How well scores rank measured qualities, and how far that can be told from noise."""

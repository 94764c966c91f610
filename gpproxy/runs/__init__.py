"""A run of each command from its settings to its files: what the commands at the top do, stage by stage."""

"""A proxy as one Python file that needs torch only: writing and reading it."""

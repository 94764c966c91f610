"""The value of every formula of a population on all architectures at once."""

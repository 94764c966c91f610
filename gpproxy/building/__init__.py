"""Measured tables: which architectures are trained, in which order, and how finished trainings become rows."""

"""Where independent tasks run, and on what: one scheduler, devices, memory."""

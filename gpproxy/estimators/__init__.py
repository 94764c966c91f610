"""Ways to tell what an architecture is worth: a proxy, shared weights, a short training, a table."""

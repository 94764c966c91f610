"""What a network computes, operation by operation, whether its layers are modules, functions or methods."""

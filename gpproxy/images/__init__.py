"""Sets of real images: what generators are trained on and measured against."""

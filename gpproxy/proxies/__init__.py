"""What a proxy is, where it comes from, and how it scores architectures."""

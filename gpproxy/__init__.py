"""Zero-cost proxies for generator architectures: discover, read, export, use."""

__version__ = "0.1.0"

"""Turn raw conversations into a small model that talks."""

__version__ = "0.1.0"

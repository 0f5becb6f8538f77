"""labelvc: labels, guidelines and taxonomies as reviewed, signed, provable files under git and DVC."""

__version__ = "0.1.0"

__all__ = ["__version__"]

"""Packages that some tests and scripts need beyond the extra `dev`."""

import sys
from importlib.util import find_spec

TORCH = "PyTorch needed: pip install torch==2.13.0"
"""The exact version, on Linux: others bring gigabytes for graphics cards."""
JAX = "JAX needed: pip install jax"


def is_installed(package: str) -> bool:
    """Return True if a package can be imported."""
    return find_spec(package) is not None


def must_be_installed(package: str, way_out: str) -> None:
    """Exit with a message that tells how to install the package, if it cannot be imported."""
    if not is_installed(package):
        sys.exit(way_out)

"""Experiments with dropout on a CPU: which variant, at which rate, and how sure are we?"""

__version__ = "0.1.0"

"""Elementwise activations, one file each, named as in YAML."""

from dropout_cli.nn.activations.base import ACTIVATIONS, Activation

__all__ = ["ACTIVATIONS", "Activation"]

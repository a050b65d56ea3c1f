"""The optimizers, one file each, named as in YAML."""

from dropout_cli.nn.optim.optimizers.base import OPTIMIZERS, Optimizer

__all__ = ["OPTIMIZERS", "Optimizer"]

"""The update rules: one file per optimizer, named as in YAML."""

from dropout_cli.nn.optim.optimizers.base import OPTIMIZERS, Optimizer

__all__ = ["OPTIMIZERS", "Optimizer"]

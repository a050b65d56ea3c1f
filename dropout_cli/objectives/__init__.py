"""Training objectives: one file per objective."""

from dropout_cli.objectives.base import OBJECTIVES, Objective

__all__ = ["OBJECTIVES", "Objective"]

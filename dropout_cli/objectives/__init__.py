"""What training minimises: one file per objective."""

from dropout_cli.objectives.objective import OBJECTIVES, Objective

__all__ = ["OBJECTIVES", "Objective"]

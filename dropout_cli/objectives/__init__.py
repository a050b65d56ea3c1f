"""Training objectives: one file per objective.

An objective in another package imports from here, and types of fields from `dropout_cli.variants`.
"""

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.objectives.base import OBJECTIVES, Objective, require_per_example_noise

__all__ = ["OBJECTIVES", "Array", "Layer", "NoiseSource", "Objective", "require_per_example_noise"]

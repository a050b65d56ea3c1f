"""An objective makes the passes that its formula needs and leaves the gradients in the network."""

from abc import ABC, abstractmethod

from dropout_cli.arrays import Array
from dropout_cli.nn.layer import Layer, NoiseSource
from dropout_cli.registry import Registry

OBJECTIVES: Registry["Objective"] = Registry("objective", package="dropout_cli.objectives")


class Objective(ABC):
    """A frozen law of the training loss; its dataclass fields are its YAML keys."""

    @abstractmethod
    def learn(self, network: Layer, x: Array, labels: Array, noise: NoiseSource) -> float:
        """Pass the batch forward and backward; return the loss, `network.penalty()` left out."""

"""The base of architectures: frozen configuration that builds a network of named layers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dropout_cli.core.errors import InvalidField
from dropout_cli.core.registry import Registry
from dropout_cli.core.renamed import ReportsRenamed
from dropout_cli.core.types import DType, Shape
from dropout_cli.nn.layers.network import Network
from dropout_cli.variants import VARIANTS, Variant
from dropout_cli.variants.toolkit.base import Supports

ARCHITECTURES: Registry["Architecture"] = Registry("architecture", package="dropout_cli.architectures")


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """The facts of data and training that a network is built for."""

    shape: Shape
    """The shape of one example."""
    outputs: int
    """The number of logits."""
    examples: int
    """The number of training examples."""
    steps: int
    """The number of all planned training steps."""
    seed: int
    """The seed of the run, for draws at evaluation."""
    init_seed: int | None = None
    """The seed of the initial weights, for their streams `init:<path>`; None: `seed`."""
    steps_per_epoch: int = 1
    """The number of training steps per epoch."""
    learning_rate: float = 1e-3
    """The learning rate of the optimizer, before its schedule."""
    normalized: bool = True
    """True if the steps of the optimizer have about the size of the learning rate (Adam, RMSprop)."""
    targets: int = 1
    """The number of targets that the loss is a mean over; 1 for classes."""
    squared: bool = False
    """True if the loss is a squared error."""
    dtype: DType = np.dtype(np.float32)
    """The dtype of the parameters."""

    @property
    def weights_seed(self) -> int:
        """The seed of the initial weights."""
        return self.seed if self.init_seed is None else self.init_seed


REASONS: dict[Supports, str] = {
    "vectors": "works on dense layers only, but {} has convolutions",
    "maps": "works on feature maps, but {} has none",
    "either": "works on hidden layers, but {} has none",
    "blocks": "drops residual blocks, but {} has none",
}


class Architecture(ReportsRenamed, ABC):
    """Frozen configuration of a network; its dataclass fields are its YAML keys."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        "check": "check_variant",
        "fits": "check_shape",
        "weights": "count_weights",
        "activations": "count_activations",
    }

    accepts: ClassVar[frozenset[Supports]]
    """The values of `Variant.supports` that work in this network."""

    @property
    def has_maps(self) -> bool:
        """True if examples are maps (N, height, width, channels)."""
        return "maps" in self.accepts

    @property
    def adds_noise(self) -> bool:
        """True if it adds its own noise in training, besides that of the variant."""
        return False

    @property
    def smallest_batch(self) -> int:
        """The minimum number of examples of a training batch."""
        return 1

    @abstractmethod
    def build(self, variant: Variant, context: BuildContext) -> Network:
        """Return the network, which maps (N, *shape) to logits (N, outputs).

        Args:
            variant: The dropout variant.
            context: The facts of data and training.
        """

    @abstractmethod
    def check_variant(self, variant: Variant) -> None:
        """Raise InvalidField if the variant cannot act in this network."""

    def _suits(self, variant: Variant) -> None:
        """Raise InvalidField if the network has nothing that the variant acts on."""
        if variant.supports not in self.accepts:
            here = ARCHITECTURES.name_of(type(self))
            others = ", ".join(name for name, cls in ARCHITECTURES if variant.supports in cls.accepts)
            able = ", ".join(name for name, cls in VARIANTS if cls.supports in self.accepts)
            reason = REASONS[variant.supports].format(here)
            name = VARIANTS.name_of(type(variant))
            way_out = f"Use architecture.name: {others}. Or keep {here} and choose one of these variants: {able}"
            raise InvalidField("", f"{name} {reason}", way_out)

    def check_shape(self, shape: Shape) -> None:
        """Raise InvalidField if the network cannot use examples of this shape."""
        return None

    @abstractmethod
    def count_weights(self, shape: Shape, outputs: int) -> int:
        """Return the number of learned values, without building the network."""

    @abstractmethod
    def largest_weights(self, shape: Shape, outputs: int) -> int:
        """Return the most multiply-adds of one example in a layer, without building the network."""

    @abstractmethod
    def count_activations(self, shape: Shape, outputs: int) -> int:
        """Return roughly how many values the layers keep of one example between the passes."""

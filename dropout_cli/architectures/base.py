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
    """All planned training steps."""
    seed: int
    """The run's seed; initial weights come from its `init:<path>` streams."""
    steps_per_epoch: int = 1
    """Training steps in an epoch."""
    learning_rate: float = 1e-3
    """The optimizer's, before its schedule."""
    normalized: bool = True
    """Whether the optimizer's steps are about as long as the learning rate, whatever the gradient."""
    targets: int = 1
    """How many quantities the loss is a mean over; 1 for classes."""
    squared: bool = False
    """Whether the loss is a squared error."""
    dtype: DType = np.dtype(np.float32)
    """The dtype of the parameters."""


REASONS: dict[Supports, str] = {
    "vectors": "acts on dense layers only, and {} has convolutions",
    "maps": "acts on feature maps, and {} has none",
    "either": "acts on hidden layers, and {} has none",
    "blocks": "drops residual blocks, and {} has none",
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
    """Where a variant may act in such a network (`Variant.supports`)."""

    @property
    def has_maps(self) -> bool:
        """Whether examples pass through it as maps (N, height, width, channels)."""
        return "maps" in self.accepts

    @property
    def adds_noise(self) -> bool:
        """Whether it adds noise of its own in training, beside the variant's."""
        return False

    @property
    def smallest_batch(self) -> int:
        """The fewest examples that a training batch must have."""
        return 1

    @abstractmethod
    def build(self, variant: Variant, context: BuildContext) -> Network:
        """Return the network; it maps (N, *shape) to logits (N, outputs)."""

    @abstractmethod
    def check_variant(self, variant: Variant) -> None:
        """Raise InvalidField where the variant cannot act in this network."""

    def _suits(self, variant: Variant) -> None:
        """Raise InvalidField for a variant that has nothing to act on here."""
        if variant.supports not in self.accepts:
            here = ARCHITECTURES.name_of(type(self))
            others = ", ".join(name for name, cls in ARCHITECTURES if variant.supports in cls.accepts)
            able = ", ".join(name for name, cls in VARIANTS if cls.supports in self.accepts)
            reason = REASONS[variant.supports].format(here)
            name = VARIANTS.name_of(type(variant))
            way_out = f"Use architecture.name: {others}; or with {here} one of {able}"
            raise InvalidField("", f"{name} {reason}", way_out)

    def check_shape(self, shape: Shape) -> None:
        """Raise InvalidField where the network cannot take examples of that shape."""
        return None

    @abstractmethod
    def count_weights(self, shape: Shape, outputs: int) -> int:
        """How many numbers the network would learn, reckoned without building it."""

    @abstractmethod
    def largest_weights(self, shape: Shape, outputs: int) -> int:
        """The most multiply-adds that one example takes in a layer, reckoned without building the network."""

    @abstractmethod
    def count_activations(self, shape: Shape, outputs: int) -> int:
        """How many numbers one example leaves in the layers between the passes, roughly."""

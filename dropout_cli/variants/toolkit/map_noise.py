"""The base of variants for feature maps, with inverted dropout on dense layers."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dropout_cli.core.field_types import Rate
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.operations import GraphValue, OperationGraph, UndescribedLayer, is_described
from dropout_cli.variants.toolkit.activation_noise import HiddenActivationNoise, NoisyActivation
from dropout_cli.variants.toolkit.base import Location, Supports, chain
from dropout_cli.variants.toolkit.masks import describe_scaled_bernoulli, scaled_bernoulli


@dataclass(frozen=True, kw_only=True)
class MapNoise(HiddenActivationNoise):
    """Noise on feature maps (N, height, width, channels)."""

    dense_rate: Rate = 0.5
    """The probability of dropping a single activation of a dense hidden layer."""

    acts_on = "feature maps; in dense layers, single activations"
    supports: ClassVar[Supports] = "maps"

    @abstractmethod
    def draw_maps(self, shape: Shape, rate: float, rng: Generator, dtype: DType) -> Array:
        """Draw the multiplier for feature maps.

        Args:
            shape: The shape of the maps, (N, height, width, channels).
            rate: The current rate.
            rng: The generator.
            dtype: The dtype of the multiplier.

        Returns:
            An array that broadcasts to `shape`.
        """

    def describe_maps(self, graph: OperationGraph, x: GraphValue, rate: float) -> GraphValue:
        """Return the multiplier that `draw_maps` draws.

        Args:
            graph: The graph that collects the operations.
            x: The feature maps.
            rate: The current rate.

        Raises:
            UndescribedLayer: The variant does not say with which operations it draws.
        """
        raise UndescribedLayer("", f"the variant {type(self).__name__} has no method describe_maps")

    def draw(self, shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
        """Draw the multiplier: that of `draw_maps` for maps, and a mask / keep probability for vectors."""
        if len(shape) == 4:
            return self.draw_maps(shape, rate, rng, dtype)
        return scaled_bernoulli(shape, rate, rng, dtype, out)

    def describe_noise(self, graph: OperationGraph, x: GraphValue, rate: float) -> GraphValue:
        """Return the multiplier that `draw` draws, for `dropout export --noise`."""
        if len(x.shape) == 3:
            if not is_described(type(self), "describe_maps", "draw_maps"):
                raise UndescribedLayer("", f"the variant {type(self).__name__} has no method describe_maps")
            return self.describe_maps(graph, x, rate)
        return describe_scaled_bernoulli(graph, x, x.shape, rate)

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return a dense unit that drops single activations at `dense_rate`."""
        return chain(location, linear, *between, activation, NoisyActivation(self, self.dense_rate, location))

    def rates(self) -> tuple[float, ...]:
        """Return the rates of maps and of dense layers."""
        return (*super().rates(), self.dense_rate)

    def noise_before_logits(self) -> bool:
        """Return True."""
        # The variant does not know if a dense layer with noise comes last, so it assumes one.
        return True

"""The base of variants made for feature maps: their own noise on maps, plain inverted dropout on dense layers."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dropout_cli.core.field_types import Rate
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.variants.toolkit.activation_noise import HiddenActivationNoise, NoisyActivation
from dropout_cli.variants.toolkit.base import Location, Supports, chain
from dropout_cli.variants.toolkit.masks import scaled_bernoulli


@dataclass(frozen=True, kw_only=True)
class MapNoise(HiddenActivationNoise):
    """Noise on feature maps (N, height, width, channels)."""

    dense_rate: Rate = 0.5
    """Probability of dropping an activation of a dense hidden layer, one by one: it has no map to drop."""

    acts_on = "feature maps; activations of dense layers one by one"
    supports: ClassVar[Supports] = "maps"

    @abstractmethod
    def draw_maps(self, shape: Shape, rate: float, rng: Generator, dtype: DType) -> Array:
        """Draw the multiplier for maps of that shape, of a shape that broadcasts to it."""

    def draw(self, shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
        """That of the maps; on vectors, m / q."""
        if len(shape) == 4:
            return self.draw_maps(shape, rate, rng, dtype)
        return scaled_bernoulli(shape, rate, rng, dtype, out)

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """A dense layer with element-wise noise."""
        return chain(location, linear, *between, activation, NoisyActivation(self, self.dense_rate, location))

    def rates(self) -> tuple[float, ...]:
        """The rates of maps and of dense layers."""
        return (*super().rates(), self.dense_rate)

    def noise_before_logits(self) -> bool:
        """There may be a dense layer or none, so noise is taken to act there."""
        return True

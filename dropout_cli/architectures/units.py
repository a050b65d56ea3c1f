"""The base of networks with hidden units: their keys, and the layers of a unit.

hidden k:   linear -> [normalization] -> [additive noise] -> [gamma, beta] -> activation -> [dropout]
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from dropout_cli.architectures.base import Architecture, BuildContext
from dropout_cli.core.field_types import NonNegative
from dropout_cli.core.registry import Choice
from dropout_cli.nn.activations import ACTIVATIONS
from dropout_cli.nn.initializers import INITIALIZERS, Initializer
from dropout_cli.nn.layers.additive_noise import AdditiveNoise
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.convolution import Convolution, Padding
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.normalization import Normalize, ScaleShift
from dropout_cli.variants import Location
from dropout_cli.variants.toolkit.base import Kind

if TYPE_CHECKING:
    ActivationName: TypeAlias = str
else:
    ActivationName = Literal[tuple(ACTIVATIONS.names())]
    """The values of `architecture.activation`: the name of every registered activation."""


@dataclass(frozen=True, kw_only=True)
class UnitArchitecture(Architecture):
    """A network whose hidden layers are all built in the same way."""

    activation: ActivationName = "relu"
    """The activation of the hidden layers."""
    initializer: Annotated[Initializer | Literal["auto"], Choice(INITIALIZERS)] = "auto"
    """The initializer of the weights. auto: chosen by the activation (he for relu and gelu; lecun for selu; glorot for
    identity, sigmoid and tanh), and glorot for the output layer."""
    batch_norm: bool = False
    """Batch normalization before each hidden activation."""
    input_noise: NonNegative = 0.0
    """The standard deviation of Gaussian noise that is added to the scaled input in training."""
    hidden_noise: NonNegative = 0.0
    """The standard deviation of Gaussian noise that is added before each hidden activation in training."""

    @property
    def adds_noise(self) -> bool:
        """True if it adds noise to the input, or before hidden activations."""
        return self.input_noise > 0 or self.hidden_noise > 0

    @property
    def smallest_batch(self) -> int:
        """The minimum: 2 with batch normalization, which sets a batch of one example to 0."""
        return 2 if self.batch_norm else 1

    def _initializer(self, feeds: str) -> Initializer:
        return ACTIVATIONS[feeds].initializer if isinstance(self.initializer, str) else self.initializer

    def _dense(self, path: str, fan_in: int, fan_out: int, feeds: str, context: BuildContext) -> Dense:
        return Dense(path, fan_in, fan_out, self._initializer(feeds), seed=context.weights_seed, dtype=context.dtype)

    def _convolution(
        self,
        path: str,
        channels: int,
        filters: int,
        kernel: tuple[int, int],
        context: BuildContext,
        stride: int = 1,
        padding: Padding = "same",
        *,
        bias: bool = True,
    ) -> Convolution:
        return Convolution(
            path,
            channels,
            filters,
            kernel,
            self._initializer(self.activation),
            stride=stride,
            padding=padding,
            bias=bias,
            seed=context.weights_seed,
            dtype=context.dtype,
        )

    def _activation(self, path: str, context: BuildContext) -> Layer:
        return ACTIVATIONS[self.activation](f"{path}/{self.activation}", dtype=context.dtype)

    def _between(self, path: str, width: int, context: BuildContext) -> list[Layer]:
        """Return the layers between a linear map and its activation."""
        between: list[Layer] = []
        if self.batch_norm:
            between.append(Normalize(f"{path}/normalize", width, dtype=context.dtype))
        if self.hidden_noise:
            between.append(AdditiveNoise(f"{path}/additive_noise", self.hidden_noise))
        if self.batch_norm:
            between.append(ScaleShift(f"{path}/affine", width, dtype=context.dtype))
        return between

    @staticmethod
    def _location(
        path: str,
        kind: Kind,
        index: int,
        count: int,
        fan_in: int,
        context: BuildContext,
        previous: Layer | None,
    ) -> Location:
        return Location(
            path=path,
            kind=kind,
            index=index,
            count=count,
            fan_in=fan_in,
            examples=context.examples,
            steps=context.steps,
            steps_per_epoch=context.steps_per_epoch,
            learning_rate=context.learning_rate,
            normalized=context.normalized,
            seed=context.seed,
            targets=context.targets,
            squared=context.squared,
            previous=previous,
        )

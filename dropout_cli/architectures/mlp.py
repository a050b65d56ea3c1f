"""The multilayer perceptron: dense hidden layers of any widths, then logits.

hidden k:   linear -> [normalization] -> [additive noise] -> [gamma, beta] -> activation -> [dropout]
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from dropout_cli.architectures.architecture import ARCHITECTURES, Architecture, Surroundings
from dropout_cli.arrays import Shape
from dropout_cli.fields import NonNegative, Widths
from dropout_cli.nn.activations import ACTIVATIONS
from dropout_cli.nn.additive_noise import AdditiveNoise
from dropout_cli.nn.dense import Dense
from dropout_cli.nn.flatten import Flatten
from dropout_cli.nn.initializers import INITIALIZERS, Initializer, suited_to
from dropout_cli.nn.layer import Layer
from dropout_cli.nn.normalization import Affine, Normalize
from dropout_cli.nn.sequential import Sequential
from dropout_cli.registry import Choice
from dropout_cli.variants import Place, Variant


@ARCHITECTURES.register("mlp")
@dataclass(frozen=True, kw_only=True)
class Mlp(Architecture):
    """Dense layers; pictures are flattened first."""

    hidden: Widths = (128, 128)
    """The widths of the hidden layers."""
    activation: Literal["relu", "tanh", "sigmoid", "gelu", "selu", "identity"] = "relu"
    """The activation of the hidden layers."""
    initializer: Annotated[Initializer | Literal["auto"], Choice(INITIALIZERS)] = "auto"
    """How weights start; auto: he for relu and gelu, lecun for selu, glorot otherwise and for the logits."""
    batch_norm: bool = False
    """Batch normalization before each hidden activation."""
    input_noise: NonNegative = 0.0
    """Standard deviation of Gaussian noise added to the scaled input in training."""
    hidden_noise: NonNegative = 0.0
    """Standard deviation of Gaussian noise added in training before each hidden activation (after normalization)."""

    def build(self, law: Variant, surroundings: Surroundings) -> Sequential:
        """Return the network; this is the one place that decides where noise goes."""
        widths = (math.prod(surroundings.shape), *self.hidden)
        layers: list[Layer] = [Flatten("flatten")]
        if self.input_noise:
            layers.append(AdditiveNoise("input/additive_noise", self.input_noise))

        place = self._place("input", "input", 0, 1, widths[0], surroundings, None)
        upstream = law.input(place)
        if upstream is not None:
            layers.append(upstream)
        for index, (fan_in, width) in enumerate(pairwise(widths)):
            path = f"hidden{index + 1}"
            place = self._place(path, "hidden", index, len(self.hidden), fan_in, surroundings, upstream)
            linear = self._dense(path, fan_in, width, self.activation, surroundings)
            activation = ACTIVATIONS[self.activation](f"{path}/{self.activation}")
            upstream = law.unit(linear, self._between(path, width, surroundings), activation, place)
            layers.append(upstream)
        place = self._place("output", "output", 0, 1, widths[-1], surroundings, upstream)
        layers.append(
            law.output(self._dense("output", widths[-1], surroundings.outputs, "identity", surroundings), place)
        )
        return Sequential("network", layers)

    def check(self, law: Variant) -> None:
        """Ask the law."""
        law.check(hidden=len(self.hidden), activation=self.activation)

    def weights(self, shape: Shape, outputs: int) -> int:
        """Weights, biases, and two numbers per normalized unit."""
        widths = (math.prod(shape), *self.hidden, outputs)
        dense = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths))
        return dense + (2 * sum(self.hidden) if self.batch_norm else 0)

    def largest_weights(self, shape: Shape, outputs: int) -> int:
        """The widest pair of neighbouring layers."""
        widths = (math.prod(shape), *self.hidden, outputs)
        return max(fan_in * fan_out for fan_in, fan_out in pairwise(widths))

    def activations(self, shape: Shape, outputs: int) -> int:
        """About eight arrays of each hidden layer's width, and the input twice."""
        return 2 * math.prod(shape) + 8 * sum(self.hidden) + 4 * outputs

    def _dense(self, path: str, fan_in: int, fan_out: int, feeds: str, surroundings: Surroundings) -> Dense:
        initializer = suited_to(feeds) if isinstance(self.initializer, str) else self.initializer
        return Dense(path, fan_in, fan_out, initializer, seed=surroundings.seed, dtype=surroundings.dtype)

    def _between(self, path: str, width: int, surroundings: Surroundings) -> list[Layer]:
        between: list[Layer] = []
        if self.batch_norm:
            between.append(Normalize(f"{path}/normalize", width, dtype=surroundings.dtype))
        if self.hidden_noise:
            between.append(AdditiveNoise(f"{path}/additive_noise", self.hidden_noise))
        if self.batch_norm:
            between.append(Affine(f"{path}/affine", width, dtype=surroundings.dtype))
        return between

    @staticmethod
    def _place(
        path: str,
        kind: Literal["input", "hidden", "output"],
        index: int,
        count: int,
        fan_in: int,
        surroundings: Surroundings,
        upstream: Layer | None,
    ) -> Place:
        return Place(
            path=path,
            kind=kind,
            index=index,
            count=count,
            fan_in=fan_in,
            examples=surroundings.examples,
            steps=surroundings.steps,
            steps_per_epoch=surroundings.steps_per_epoch,
            learning_rate=surroundings.learning_rate,
            normalized=surroundings.normalized,
            upstream=upstream,
        )

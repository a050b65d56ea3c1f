"""The multilayer perceptron: dense hidden layers of any widths, then logits.

hidden k:   linear -> [normalization] -> [additive noise] -> [gamma, beta] -> activation -> [dropout]
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from dropout_cli.architectures.base import ARCHITECTURES, BuildContext
from dropout_cli.architectures.units import UnitArchitecture
from dropout_cli.core.field_types import Widths
from dropout_cli.core.types import Shape
from dropout_cli.nn.layers.additive_noise import AdditiveNoise
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.flatten import Flatten
from dropout_cli.nn.layers.network import Network
from dropout_cli.variants import Variant


@ARCHITECTURES.register("mlp")
@dataclass(frozen=True, kw_only=True)
class Mlp(UnitArchitecture):
    """Dense layers. Images are flattened first."""

    accepts = frozenset({"vectors", "either"})

    hidden: Widths = (128, 128)
    """The widths of the hidden layers."""

    def build(self, variant: Variant, context: BuildContext) -> Network:
        """Return the network."""
        widths = (math.prod(context.shape), *self.hidden)
        layers: list[Layer] = [Flatten("flatten")]
        hidden_units: list[Layer] = []
        if self.input_noise:
            layers.append(AdditiveNoise("input/additive_noise", self.input_noise))

        location = self._location("input", "input", 0, 1, widths[0], context, None)
        previous = variant.input(location)
        if previous is not None:
            layers.append(previous)
        for index, (fan_in, width) in enumerate(pairwise(widths)):
            path = f"hidden{index + 1}"
            location = self._location(path, "hidden", index, len(self.hidden), fan_in, context, previous)
            linear = self._dense(path, fan_in, width, self.activation, context)
            previous = variant.unit(
                linear, self._between(path, width, context), self._activation(path, context), location
            )
            hidden_units.append(previous)
        layers += hidden_units
        location = self._location("output", "output", 0, 1, widths[-1], context, previous)
        layers.append(variant.output(self._dense("output", widths[-1], context.outputs, "identity", context), location))
        return Network("network", layers, hidden_units)

    def check_variant(self, variant: Variant) -> None:
        """Raise InvalidField if the variant cannot act on these dense layers."""
        self._suits(variant)
        variant.check_network(hidden=len(self.hidden), activation=self.activation)

    def count_weights(self, shape: Shape, outputs: int) -> int:
        """Return the number of weights, biases, and two values per normalized unit."""
        widths = (math.prod(shape), *self.hidden, outputs)
        dense = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(widths))
        return dense + (2 * sum(self.hidden) if self.batch_norm else 0)

    def largest_weights(self, shape: Shape, outputs: int) -> int:
        """Return the size of the largest weight matrix."""
        widths = (math.prod(shape), *self.hidden, outputs)
        return max(fan_in * fan_out for fan_in, fan_out in pairwise(widths))

    def count_activations(self, shape: Shape, outputs: int) -> int:
        """Return about eight arrays of each hidden width, and the input twice."""
        return 2 * math.prod(shape) + 8 * sum(self.hidden) + 4 * outputs

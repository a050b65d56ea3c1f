"""The dense (fully connected) layer: y = x W + b."""

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array, DType
from dropout_cli.nn.backend.matmul import matmul_into
from dropout_cli.nn.initializers import Initializer
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.layers.fast_passes import PassOptimizations
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.nn.parameter import Parameter


class Dense(PassOptimizations):
    """y = x W + b with x (N, fan_in), W (fan_in, fan_out) and b (fan_out,)."""

    releases_output = releases_dx = True

    def __init__(
        self, path: str, fan_in: int, fan_out: int, initializer: Initializer, *, seed: int, dtype: DType
    ) -> None:
        """Draw W and b from the streams `init:<path>/W` and `init:<path>/b`.

        Args:
            path: The path of the layer.
            fan_in: Number of inputs.
            fan_out: Number of outputs.
            initializer: The distribution of W and b.
            seed: The seed of the initial weights.
            dtype: The dtype of the parameters.
        """
        super().__init__(path)
        self.fan_in, self.fan_out = fan_in, fan_out
        weights = initializer.weights((fan_in, fan_out), stream(seed, f"init:{path}/W"))
        biases = initializer.biases(fan_out, stream(seed, f"init:{path}/b"))
        self.W = Parameter(np.ascontiguousarray(weights, dtype))
        self.b = Parameter.bias(np.ascontiguousarray(biases, dtype))

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return x W + b, (N, fan_out)."""
        self._x = x
        y = self._buffer("y", (len(x), self.fan_out), self.W.value.dtype)
        y[...] = self.b.value  # the product is then added to it, which saves a pass over y
        return matmul_into(x, self.W.value, y, beta=1)

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return x W + b."""
        W, b = (graph.constant(name, parameter.value) for name, parameter in self.parameters().items())
        return graph.affine(x, W, b)

    def backward(self, dy: Array) -> Array:
        """Return dx = dy W', (N, fan_in); also dW = x'dy and db = sum dy."""
        self.gradients(dy)
        dx = self._buffer("dx", (len(dy), self.fan_in), self.W.value.dtype)
        return matmul_into(dy, self.W.value.T, dx)

    def gradients(self, dy: Array) -> None:
        """Overwrite the gradients with dW = x'dy and db = sum dy."""
        self.W.add_gradient(self._x.T, dy, first=True)
        self.b.add_gradient(dy, first=True)

    def fused_parameters(self) -> list[Parameter]:
        """Return W and b."""
        return [self.W, self.b]

    def parameters(self) -> dict[str, Parameter]:
        """Return W and b by name."""
        return {f"{self.path}/W": self.W, f"{self.path}/b": self.b}

"""Pictures to vectors."""

from dropout_cli.arrays import Array
from dropout_cli.nn.layer import Layer, NoiseSource


class Flatten(Layer):
    """(N, ...) -> (N, D); a vector passes as it is."""

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return a view of x as (N, D)."""
        self._shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy: Array) -> Array:
        """Return dy in the shape of x."""
        return dy.reshape(self._shape)

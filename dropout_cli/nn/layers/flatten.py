"""Pictures to vectors."""

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.layers.elementwise import Pass, Rowwise


class Flatten(Rowwise):
    """(N, ...) -> (N, D); a vector passes as it is."""

    def through(self, x: Array, *, train: bool, noise: NoiseSource, lent: bool) -> Pass:
        """Return a view of x as (N, D)."""
        self._shape = x.shape
        return Pass(x.reshape(len(x), -1), None)

    def back(self, dy: Array, *, lent: bool) -> Pass:
        """Return dy in the shape of x."""
        return Pass(dy.reshape(self._shape), None)

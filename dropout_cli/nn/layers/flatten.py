"""Pictures to vectors."""

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.layers.batch_parallel import BatchParallel, DeferredPass


class Flatten(BatchParallel):
    """(N, ...) -> (N, D); a vector passes as it is."""

    def plan_forward(self, x: Array, *, train: bool, noise: NoiseSource, may_overwrite: bool) -> DeferredPass:
        """Return a view of x as (N, D)."""
        self._shape = x.shape
        return DeferredPass(x.reshape(len(x), -1), None)

    def plan_backward(self, dy: Array, *, may_overwrite: bool) -> DeferredPass:
        """Return dy in the shape of x."""
        return DeferredPass(dy.reshape(self._shape), None)

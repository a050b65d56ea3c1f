"""Layers of which every output depends on one input alone.

What they cost is memory, not arithmetic. So such a layer may put its result in the place of what it was given, where
the layer that made that has no more use for it (`lends`), and where threads share a batch, neighbours among these
layers go through a thread's rows together (nn.sequential).
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeAlias

from dropout_cli import threads
from dropout_cli.arrays import Array
from dropout_cli.nn.layer import Layer, NoiseSource

Work: TypeAlias = Callable[[slice], object]
"""Fills those rows of an output from the same rows of an input."""


class Elementwise(Layer):
    """Says what is to be done with rows, and has it done."""

    lends_dx = True

    @abstractmethod
    def through(self, x: Array, *, train: bool, noise: NoiseSource, lent: bool) -> tuple[Array, Work | None]:
        """Return y, not yet filled, and what fills rows of it when those of x are there; None where y is x.

        `lent`: y may be x, overwritten.
        """

    @abstractmethod
    def back(self, dy: Array, *, lent: bool) -> tuple[Array, Work | None]:
        """The same for dx and dy."""

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return y."""
        y, work = self.through(x, train=train, noise=noise, lent=False)
        return done(y, [] if work is None else [work])

    def backward(self, dy: Array) -> Array:
        """Return dx."""
        dx, work = self.back(dy, lent=False)
        return done(dx, [] if work is None else [work])

    def _place(self, name: str, x: Array, lent: bool) -> Array:
        """Where to put a result of the shape of x."""
        return x if lent else self._buffer(name, x.shape, x.dtype)


def done(y: Array, works: Sequence[Work]) -> Array:
    """Do the works, in order, for all rows of y, and return it."""
    if works:

        def do(_: int, rows: slice) -> None:
            for work in works:
                work(rows)

        threads.over(len(y), do)
    return y

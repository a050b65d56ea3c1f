"""Layers that do each example by itself, and how neighbours among them go through a batch together.

Threads that share a batch are woken once for all neighbours: 71 ms became 66 of a step of `mnist_cnn`. And since what
such a layer costs is mostly memory, it may put its result in the place of what it was given, where the layer that made
that has no more use for it (`lends_y`, `lends_dx`). To take turns at a few examples, whose maps would still be in the
cache, does not pay: threads that do little at a time wait for each other at the interpreter.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from dropout_cli.core.types import Array
from dropout_cli.nn.backend import threads
from dropout_cli.nn.layers.base import Layer, NoiseSource

Work: TypeAlias = Callable[[int, slice], object]
"""Fills those rows of an output from the same rows of an input, in the thread of that number."""


class Pass(NamedTuple):
    """A layer's pass in one direction, still to be done."""

    result: Array
    """Where it will be."""
    work: Work | None
    """What fills rows of it when those of the input are there; None where the result is the input."""
    end: Callable[[], object] | None = None
    """What is to be done when all rows are done."""


class Rowwise(Layer):
    """Says what is to be done with rows, and has it done."""

    @abstractmethod
    def through(self, x: Array, *, train: bool, noise: NoiseSource, lent: bool) -> Pass:
        """The pass forward; `lent`: y may be x, overwritten."""

    @abstractmethod
    def back(self, dy: Array, *, lent: bool) -> Pass:
        """The pass backward; `lent`: dx may be dy, overwritten."""

    def alone(self, dy: Array) -> Pass:
        """The pass backward for a caller that needs no dx; its result is dy."""
        return self.back(dy, lent=False)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return y."""
        together = Together()
        return together.done(together.join(self.through(x, train=train, noise=noise, lent=False)))

    def backward(self, dy: Array) -> Array:
        """Return dx."""
        together = Together()
        return together.done(together.join(self.back(dy, lent=False)))

    def gradients(self, dy: Array) -> None:
        """Overwrite the gradients."""
        together = Together()
        together.join(self.alone(dy))
        together.done(dy)

    def _place(self, name: str, x: Array, lent: bool) -> Array:
        """Where to put a result of the shape of x."""
        return x if lent else self._buffer(name, x.shape, x.dtype)


class Together:
    """Passes of neighbours, which wait to be done together where threads of ours share the batch; else none waits."""

    def __init__(self) -> None:
        """None yet."""
        self._at_once = not threads.divided()
        self._works: list[Work] = []
        self._ends: list[Callable[[], object]] = []

    def join(self, one: Pass) -> Array:
        """Do it, or let it wait with the others, whose results it takes; return where its own will be."""
        result, work, end = one
        if self._at_once:
            if work is not None:
                work(0, slice(0, len(result)))
            if end is not None:
                end()
            return result
        if work is not None:
            self._works.append(work)
        if end is not None:
            self._ends.append(end)
        return result

    def done(self, result: Array) -> Array:
        """Do all that waits, and return the last result."""
        works, ends = self._works, self._ends
        if works:
            self._works, self._ends = [], []

            def do(part: int, rows: slice) -> None:
                for work in works:
                    work(part, rows)

            threads.over(len(result), do)
            for end in ends:
                end()
        return result

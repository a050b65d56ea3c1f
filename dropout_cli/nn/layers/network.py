"""The whole network, which threads of Python may share.

A pass leaves what the next one needs in its layers: buffers, masks, what the backward pass goes by. So each thread
passes through layers of its own, which share parameters and state (arrays that are changed in place) with all others.
The thread that trains, or that announced the last step, has the network itself; another gets a replica at its
first pass. Nobody waits for anybody, and the thread that trains pays for a comparison of two numbers.
"""

import threading
from collections.abc import Sequence
from typing import Self

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.sequential import Sequential


class Network(Sequential):
    """A sequence of layers from examples to logits."""

    def __init__(self, path: str, layers: Sequence[Layer], hidden_units: Sequence[Layer] = ()) -> None:
        """Make the network. The thread that makes it has the network itself, until another trains.

        Args:
            path: Its name.
            layers: From examples to logits.
            hidden_units: Those of them that are dense hidden layers.
        """
        super().__init__(path, layers)
        self.hidden_units = tuple(hidden_units)
        self._thread = threading.get_ident()
        self._replicas = threading.local()
        self._step: int | None = None

    def set_step(self, step: int) -> None:
        """Announce the step to every part; replicas learn of it when they are used."""
        self._thread = threading.get_ident()
        self._step = step
        super().set_step(step)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the logits, which stay valid until this thread's next call."""
        if train:
            self._thread = threading.get_ident()
        return Sequential.forward(self._here(), x, train=train, noise=noise)

    def backward(self, dy: Array) -> Array:
        """Return the gradient of the input for this thread's last pass."""
        return Sequential.backward(self._here(), dy)

    def gradients(self, dy: Array) -> None:
        """Overwrite all gradients, which are shared, by those of this thread's last pass."""
        Sequential.gradients(self._here(), dy)

    def split_at_dropout(self) -> tuple[Sequential, Sequential] | None:
        """Split this thread's layers as `Sequential` does."""
        return Sequential.split_at_dropout(self._here())

    def _here(self) -> Self:
        """The network itself, or this thread's replica of it."""
        if threading.get_ident() == self._thread:
            return self
        mine: tuple[Self, int | None] | None = getattr(self._replicas, "made", None)
        if mine is None:
            mine = self.replica({}), None
        replica, step = mine
        if step != self._step and self._step is not None:
            step = self._step
            Sequential.set_step(replica, step)
        self._replicas.made = replica, step
        return replica

"""The whole network, which several Python threads can use at the same time.

A forward pass stores data for the backward pass in its layers: buffers, masks and inputs. So each thread uses its own
layers, which share parameters and state (arrays that are changed in place) with all others. The thread that trains, or
that set the last step, uses the network itself. Every other thread gets a replica at its first pass. No thread waits
for another, and the cost for the training thread is one comparison of two numbers.
"""

import threading
from collections.abc import Sequence
from typing import Self

from dropout_cli.core.rng import Noise
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.operations import GraphValue, OperationGraph


class Network(Sequential):
    """A sequence of layers from examples to logits."""

    def __init__(self, path: str, layers: Sequence[Layer], hidden_units: Sequence[Layer] = ()) -> None:
        """Build the network; the calling thread uses it until another thread trains.

        Args:
            path: The path of the network.
            layers: The layers from examples to logits, in order.
            hidden_units: The layers that are dense hidden units.
        """
        super().__init__(path, layers)
        self.hidden_units = tuple(hidden_units)
        self._thread = threading.get_ident()
        self._replicas = threading.local()
        self._step: int | None = None

    def set_step(self, step: int) -> None:
        """Set the step of every layer; replicas get it at their next use."""
        self._thread = threading.get_ident()
        self._step = step
        super().set_step(step)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the logits, (N, outputs), valid until the next call by this thread."""
        if train:
            self._thread = threading.get_ident()
        return Sequential.forward(self._here(), x, train=train, noise=noise)

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return the logits."""
        return Sequential.describe(self._here(), graph, x)

    def backward(self, dy: Array) -> Array:
        """Return the gradient of the input for the last pass of this thread."""
        return Sequential.backward(self._here(), dy)

    def gradients(self, dy: Array) -> None:
        """Overwrite the gradients, which all threads share, with those of this thread's last pass."""
        Sequential.gradients(self._here(), dy)

    def split_at_dropout(self) -> tuple[Sequential, Sequential] | None:
        """Split the layers of this thread as `Sequential.split_at_dropout` does."""
        return Sequential.split_at_dropout(self._here())

    def split_at_noise(self, x: Array, noise: Noise) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
        """Split the layers of this thread as `Sequential.split_at_noise` does."""
        return Sequential.split_at_noise(self._here(), x, noise)

    def _here(self) -> Self:
        """Return the network itself, or the replica of this thread."""
        if threading.get_ident() == self._thread:
            return self
        mine: tuple[Self, int | None] | None = getattr(self._replicas, "made", None)
        if mine is None:
            mine = self.replica({}), None  # None: the replica has not been given a step yet
        replica, step = mine
        if step != self._step and self._step is not None:
            step = self._step
            Sequential.set_step(replica, step)
        self._replicas.made = replica, step
        return replica

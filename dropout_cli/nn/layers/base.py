"""The contract of every layer, hand-written passes in both directions.

    y = layer.forward(x, train=..., noise=...)        dx = layer.backward(dy)

`train` governs batch statistics and adaptive rates, `noise` governs randomness: it maps a layer's
path to its generator, and None means no noise, so that "noise on, no generator" cannot be written.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from dropout_cli.core.rng import Noise
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.parameter import Parameter

NoiseSource: TypeAlias = Noise | None
NoiseKind: TypeAlias = Literal["dropout", "training"]


class Layer(ABC):
    """A differentiable map over a batch: arrays are (N, D) or (N, height, width, channels).

    A layer writes only into arrays that it allocated or was lent. What it returns stands until its next call, unless
    it lends it.
    It computes in the dtype of its parameters, or of its input where it has none.
    """

    lends_y: ClassVar[bool] = False
    """Whether it has no more use for the y that it returned, so that the next layer may overwrite it."""
    lends_dx: ClassVar[bool] = False
    """The same of the dx that it returned."""
    noise_kind: ClassVar[NoiseKind] = "dropout"
    """Of a layer that draws: the noise of the dropout, which Monte-Carlo passes draw too, or of the training alone."""

    def __init__(self, path: str) -> None:
        """`path` names the layer for good: its parameters (`hidden1/W`) and its noise go by it."""
        self.path = path
        self._buffers: dict[str, Array] = {}
        self._views: dict[str, Array] = {}

    @abstractmethod
    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return y for the batch x."""

    @abstractmethod
    def backward(self, dy: Array) -> Array:
        """Return dL/dx for dy = dL/dy of the last forward pass; overwrite the parameters' gradients.

        The gradients include that of `penalty`.
        """

    def gradients(self, dy: Array) -> None:
        """Overwrite the parameters' gradients as `backward` does, for a caller that needs no dx."""
        self.backward(dy)

    def at(self, step: int) -> None:
        """Announce the training step (from 0) about to be taken: rates with a schedule follow it."""
        return None

    def parameters(self) -> dict[str, Parameter]:
        """Name (`<path>/<letter>`) -> learned parameter, in a fixed order."""
        return {}

    def carrying(self) -> list[Parameter]:
        """The parameters whose `carry` and `scale` the backward pass heeds."""
        return []

    def state(self) -> dict[str, Array]:
        """Name -> what the layer keeps that is not learned by gradient; live arrays, not copies."""
        return {}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Take over what `state` of an equal layer returned."""
        for name, mine in self.state().items():
            mine[...] = state[name]

    def penalty(self) -> float:
        """What the layer itself adds to the training objective."""
        return 0.0

    def columns(self) -> dict[str, float]:
        """Name -> number to log in `metrics.csv` after each epoch; the names never change."""
        return {}

    def warnings(self) -> list[str]:
        """What the user should know of how training left the layer, a sentence each."""
        return []

    def _drawn_from(self, noise: NoiseSource) -> NoiseSource:
        """The noise, or None where it leaves out noise of this layer's kind."""
        return None if noise is not None and self.noise_kind == "training" and not noise.training else noise

    def _buffer(self, name: str, shape: Shape, dtype: DType) -> Array:
        """An array of that shape, its contents arbitrary, in memory kept from call to call."""
        last = self._views.get(name)
        if last is not None and last.shape == shape and last.dtype == dtype:
            return last
        size = math.prod(shape)
        kept = self._buffers.get(name)
        if kept is None or kept.size < size or kept.dtype != dtype:
            kept = self._buffers[name] = np.empty(size, dtype)
        view = self._views[name] = kept[:size].reshape(shape)
        return view

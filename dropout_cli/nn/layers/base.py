"""The contract of every layer, hand-written passes in both directions.

    y = layer.forward(x, train=..., noise=...)        dx = layer.backward(dy)

`train` governs batch statistics and adaptive rates, `noise` governs randomness: it maps a layer's
path to its generator, and None means no noise, so that "noise on, no generator" cannot be written.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal, Self, TypeAlias, cast

import numpy as np

from dropout_cli.core.renamed import ReportsRenamed
from dropout_cli.core.rng import Noise
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.parameter import Parameter

NoiseSource: TypeAlias = Noise | None
NoiseKind: TypeAlias = Literal["dropout", "training"]


class Layer(ReportsRenamed, ABC):
    """A differentiable map over a batch: arrays are (N, D) or (N, height, width, channels).

    A layer writes only into arrays that it allocated. What it returns stands until its next call. It computes in the
    dtype of its parameters, or of its input where it has none. Layers that trade parts of this for speed declare so
    (nn.layers.batch_parallel).
    """

    RENAMED: ClassVar[Mapping[str, str]] = {
        "at": "set_step",
        "expanded": "dense_output",
        "carrying": "PassOptimizations.fused_parameters",
        "lends_y": "PassOptimizations.releases_output",
        "lends_dx": "PassOptimizations.releases_dx",
    }
    is_dropout: ClassVar[bool] = False
    """Whether it is the place of a dropout variant's noise, whatever its rate."""
    noise_kind: ClassVar[NoiseKind] = "dropout"
    """The noise that it draws: of the dropout, which Monte-Carlo passes draw too, or of the training alone."""

    def __init__(self, path: str) -> None:
        """Name the layer.

        Args:
            path: `<unit>` or `<unit>/<part>`, such as `hidden1/dropout`. It never changes: parameters (`hidden1/W`) and
                noise go by it.
        """
        self.path = path
        self.unit = path.partition("/")[0]
        """The part of the network that it belongs to, as the architecture named it."""
        self._buffers: dict[str, Array] = {}
        self._views: dict[str, Array] = {}

    @abstractmethod
    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return y for the batch x."""

    @abstractmethod
    def backward(self, dy: Array) -> Array:
        """Return dL/dx for dy = dL/dy of the last forward pass; overwrite the parameters' gradients.

        `Parameter.add_gradient` does that, its first addition with `first=True`. The gradients include that of
        `penalty`.
        """

    def gradients(self, dy: Array) -> None:
        """Overwrite the parameters' gradients as `backward` does, for a caller that needs no dx."""
        self.backward(dy)

    def dense_output(self, y: Array) -> Array:
        """Return `y`, the output of the last forward pass, with every unit in its place.

        A layer that computes the kept units alone puts a 0 where a unit was dropped.
        """
        return y

    def set_step(self, step: int) -> None:
        """Announce the training step (from 0) about to be taken: rates with a schedule follow it."""
        return None

    def holds_dropout(self) -> bool:
        """Whether it, or a part of it, is the place of a dropout variant's noise."""
        return self.is_dropout

    def split_at_dropout(self) -> "tuple[Layer, Layer] | None":
        """Return the part below the last place of dropout, and the rest; None where it cannot be divided there."""
        return None

    def draws(self) -> bool:
        """Whether passes with noise can differ from each other, at the rate in force or one that it may adapt to."""
        return self.is_dropout

    def parameters(self) -> dict[str, Parameter]:
        """Name (`<path>/<letter>`) -> learned parameter, in a fixed order."""
        return {}

    def state(self) -> dict[str, Array]:
        """Name -> what the layer keeps that is not learned by gradient; live arrays, not copies."""
        return {}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Take over what `state` of an equal layer returned."""
        for name, mine in self.state().items():
            mine[...] = state[name]

    def penalty(self) -> float:
        """Return the layer's own term of the training objective."""
        return 0.0

    def columns(self) -> dict[str, float]:
        """Name -> number to log in `metrics.csv` after each epoch; the names never change."""
        return {}

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return those of its columns that follow learning, each with its conversion to a rate from 0 to 1.

        A training that ends while one still moves is reported.
        """
        return {}

    def warnings(self) -> list[str]:
        """Return warnings about how training left the layer, a sentence each."""
        return []

    def replica(self, made: dict[int, "Layer"]) -> Self:
        """Return an equal layer with buffers of its own, which shares everything else: parameters and state.

        `made`: the layers that were replicated before, by `id`; one layer stands for itself wherever it occurs.
        """
        known = made.get(id(self))
        if known is not None:
            return cast(Self, known)
        twin = made[id(self)] = type(self).__new__(type(self))
        for name, value in list(vars(self).items()):
            vars(twin)[name] = {} if name in ("_buffers", "_views") else _replicated(value, made)
        return twin

    def _drawn_from(self, noise: NoiseSource) -> NoiseSource:
        """Return the noise, or None where noise of this layer's kind is left out."""
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


def _replicated(value: object, made: dict[int, Layer]) -> object:
    """Return the value with a replica in place of every layer in it."""
    if isinstance(value, Layer):
        return value.replica(made)
    if type(value) is tuple:
        return tuple(_replicated(one, made) for one in value)
    return [_replicated(one, made) for one in value] if type(value) is list else value

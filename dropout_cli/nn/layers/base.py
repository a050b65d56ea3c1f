"""The base class of layers, with hand-written forward and backward passes.

    y = layer.forward(x, train=..., noise=...)        dx = layer.backward(dy)

`train` controls batch statistics and adaptive rates. `noise` controls randomness: it maps the path of a layer to its
generator, and None means no noise. So noise without a generator is not possible.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal, Self, TypeAlias, cast

import numpy as np

from dropout_cli.core.renamed import ReportsRenamed
from dropout_cli.core.rng import Noise
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.operations import GraphValue, OperationGraph, UndescribedLayer
from dropout_cli.nn.parameter import Parameter

NoiseSource: TypeAlias = Noise | None
NoiseKind: TypeAlias = Literal["dropout", "training"]


class Layer(ReportsRenamed, ABC):
    """A differentiable map of a batch, (N, D) or (N, height, width, channels).

    A layer writes only to arrays that it allocated. Its result stays valid until its next call. It computes in the
    dtype of its parameters, or of its input if it has none. Layers can give up parts of this contract for speed; they
    declare it with `PassOptimizations` (nn.layers.fast_passes).
    """

    RENAMED: ClassVar[Mapping[str, str]] = {
        "at": "set_step",
        "expanded": "dense_output",
        "carrying": "PassOptimizations.fused_parameters",
        "lends_y": "PassOptimizations.releases_output",
        "lends_dx": "PassOptimizations.releases_dx",
    }
    is_dropout: ClassVar[bool] = False
    """True if the layer holds the noise of a dropout variant, at any rate."""
    noise_kind: ClassVar[NoiseKind] = "dropout"
    """`dropout`: Monte Carlo passes draw the noise, too. `training`: only training draws it."""

    def __init__(self, path: str) -> None:
        """Name the layer.

        Args:
            path: `<unit>` or `<unit>/<part>`, such as `hidden1/dropout`. It never changes, because the names of
                parameters (`hidden1/W`) and the noise streams are derived from it.
        """
        self.path = path
        self.unit = path.partition("/")[0]
        """The first part of the path: the unit of the network that the layer belongs to."""
        self._buffers: dict[str, Array] = {}
        self._views: dict[str, Array] = {}

    @property
    def dtype(self) -> DType:
        """The dtype of its parameters, in which it computes; float32 without parameters."""
        return next((one.value.dtype for one in self.parameters().values()), np.dtype(np.float32))

    @abstractmethod
    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return y for a batch.

        Args:
            x: The batch, (N, D) or (N, height, width, channels). It must not be changed.
            train: True in a training step: batch statistics and adaptive rates are updated.
            noise: The generators of the pass by layer path, or None for a pass without noise.

        Returns:
            y, valid until the next call of the layer.
        """

    @abstractmethod
    def backward(self, dy: Array) -> Array:
        """Return dL/dx of the last forward pass and overwrite the parameters' gradients.

        Gradients are written with `Parameter.add_gradient`; its first call per parameter has `first=True`. They include
        the gradient of `penalty`.

        Args:
            dy: dL/dy, in the shape of y.

        Returns:
            dL/dx, in the shape of x.
        """

    def gradients(self, dy: Array) -> None:
        """Overwrite the parameters' gradients like `backward`, but without computing dx.

        Args:
            dy: dL/dy, in the shape of y.
        """
        self.backward(dy)

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return y after adding the operations that compute it, for `dropout export`.

        Args:
            graph: The graph that collects them. It says whether dropout noise is drawn.
            x: The input.

        Raises:
            UndescribedLayer: The layer does not say how it computes.
        """
        raise UndescribedLayer(self.path, f"the layer {type(self).__name__} has no method describe")

    def dense_output(self, y: Array) -> Array:
        """Return `y` with a column for every unit, 0 for dropped units.

        Layers that compute only the kept units override it; all others return `y` itself.

        Args:
            y: The output of the last forward pass.
        """
        return y

    def set_step(self, step: int) -> None:
        """Set the training step before its passes; scheduled rates depend on it.

        Args:
            step: The number of the step, from 0.
        """
        return None

    def holds_dropout(self) -> bool:
        """Return True if the layer, or a part of it, holds the noise of a dropout variant."""
        return self.is_dropout

    def split_at_dropout(self) -> "tuple[Layer, Layer] | None":
        """Split the layer before its last dropout layer.

        Returns:
            The part before the last dropout layer, and the part from it on; None if there is no such split.
        """
        return None

    def draws(self) -> bool:
        """Return True if two passes with noise can differ, now or at an adapted rate."""
        return self.is_dropout

    def parameters(self) -> dict[str, Parameter]:
        """Return the learned parameters by name (`<path>/<letter>`), in a fixed order."""
        return {}

    def state(self) -> dict[str, Array]:
        """Return the state that is not learned by gradient: name -> live array, not a copy."""
        return {}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Load the state of an equal layer.

        Args:
            state: The arrays that `state` of that layer returned, by name.

        Raises:
            KeyError: An array is missing.
        """
        for name, mine in self.state().items():
            mine[...] = state[name]

    def penalty(self) -> float:
        """Return the layer's own term of the training objective."""
        return 0.0

    def columns(self) -> dict[str, float]:
        """Return numbers to log in `metrics.csv` after each epoch, by column; the names are always the same."""
        return {}

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return the columns that follow learning, each with its conversion to a rate from 0 to 1.

        If such a value still moves at the end of training, the run reports it.
        """
        return {}

    def warnings(self) -> list[str]:
        """Return warnings about the trained layer, one sentence each."""
        return []

    def replica(self, made: dict[int, "Layer"]) -> Self:
        """Return a copy of the layer with its own buffers and the same parameters and state.

        Args:
            made: Replicas made so far, by `id` of the original. A layer that occurs twice gets one replica.
        """
        known = made.get(id(self))
        if known is not None:
            return cast(Self, known)
        # Register the copy before its attributes: layers can refer to each other (masks of batchwise).
        twin = made[id(self)] = type(self).__new__(type(self))
        for name, value in list(vars(self).items()):
            vars(twin)[name] = {} if name in ("_buffers", "_views") else _replicated(value, made)
        return twin

    def _drawn_from(self, noise: NoiseSource) -> NoiseSource:
        """Return the noise to draw from, or None if noise of this layer's kind is switched off."""
        return None if noise is not None and self.noise_kind == "training" and not noise.training else noise

    def _buffer(self, name: str, shape: Shape, dtype: DType) -> Array:
        """Return an array with arbitrary contents; its memory is reused between calls."""
        # Allocating large arrays in every step costs page faults; the views save a reshape in the usual case.
        last = self._views.get(name)
        if last is not None and last.shape == shape and last.dtype == dtype:
            return last
        size = math.prod(shape)
        kept = self._buffers.get(name)  # larger than needed for a short last batch, which must not shrink it
        if kept is None or kept.size < size or kept.dtype != dtype:
            kept = self._buffers[name] = np.empty(size, dtype)
        view = self._views[name] = kept[:size].reshape(shape)
        return view


def _replicated(value: object, made: dict[int, Layer]) -> object:
    """Return the value with every layer in it (also in tuples, lists) replaced by a replica."""
    if isinstance(value, Layer):
        return value.replica(made)
    if type(value) is tuple:
        return tuple(_replicated(item, made) for item in value)
    return [_replicated(item, made) for item in value] if type(value) is list else value

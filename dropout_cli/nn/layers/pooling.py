"""Pooling of maps (N, height, width, channels): maximum or mean of each window.

A square window is pooled along the width first and then along the height. The result is the same with fewer passes,
and most passes run over a smaller map.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.convolution import conv_geometry
from dropout_cli.nn.layers.fast_passes import BatchParallel, DeferredPass
from dropout_cli.nn.operations import GraphValue, OperationGraph

HEIGHT, WIDTH = 1, 2
"""Axes of maps."""


class Pool1d(BatchParallel):
    """Pooling along one axis, over the windows that lie completely on it, `stride` apart."""

    releases_output = releases_dx = True

    def __init__(self, path: str, axis: int, window: int, stride: int) -> None:
        """Choose axis and window.

        Args:
            path: The path of the layer.
            axis: HEIGHT or WIDTH.
            window: Size of the window.
            stride: Step between two windows.
        """
        super().__init__(path)
        self.axis, self.window, self.stride = axis, window, stride

    def plan_forward(self, x: Array, *, train: bool, noise: NoiseSource, may_overwrite: bool) -> DeferredPass:
        """Plan y: the pooled maps."""
        self._shape, length = x.shape, x.shape[self.axis]
        size = conv_geometry(length, self.window, self.stride, "valid").size
        y = self._buffer("y", (*x.shape[: self.axis], size, *x.shape[self.axis + 1 :]), x.dtype)
        self._prepare(y)
        return DeferredPass(y, lambda _, rows: self._pool(rows, list(self._places(x[rows], size)), y[rows]))

    def plan_backward(self, dy: Array, *, may_overwrite: bool) -> DeferredPass:
        """Plan dx: the gradients of all windows, added up at the pixels they cover."""
        dx = self._buffer("dx", self._shape, dy.dtype)
        size, part = dy.shape[self.axis], self._buffer("part", dy.shape, dy.dtype)
        side_by_side = self.stride == self.window and size * self.stride == self._shape[self.axis]

        def fill(_: int, rows: slice) -> None:
            if not side_by_side:  # windows overlap or leave gaps: gradients are added to 0
                dx[rows] = 0
            places = list(self._places(dx[rows], size))
            if side_by_side and self.window == 2:
                self._scatter_pairs(rows, dy[rows], places[0], places[1])
                return
            for place, target in enumerate(places):
                if side_by_side:
                    self._scatter_gradient(rows, place, dy[rows], target)
                else:
                    self._scatter_gradient(rows, place, dy[rows], part[rows])
                    target += part[rows]

        return DeferredPass(dx, fill)

    def _places(self, x: Array, size: int) -> Iterator[Array]:
        """Yield, for each position in a window, a view of its pixels in all windows."""
        for place in range(self.window):
            yield x[(slice(None),) * self.axis + (slice(place, place + self.stride * size, self.stride),)]

    def _prepare(self, y: Array) -> None:
        """Allocate what the backward pass needs, before the batch is divided among threads."""
        return None

    @abstractmethod
    def _pool(self, rows: slice, places: list[Array], y: Array) -> None:
        """Fill y with the pooled value of each window."""

    def _scatter_pairs(self, rows: slice, dy: Array, first: Array, second: Array) -> None:
        """Write the gradients of both positions of adjacent windows of two."""
        self._scatter_gradient(rows, 0, dy, first)
        self._scatter_gradient(rows, 1, dy, second)

    @abstractmethod
    def _scatter_gradient(self, rows: slice, place: int, dy: Array, target: Array) -> None:
        """Write to `target` the part of dy that belongs to that position of each window."""


class MaxPool1d(Pool1d):
    """y = the maximum of each window; the first position is stored if several are equal."""

    def _prepare(self, y: Array) -> None:
        """Allocate the positions of the maxima, one byte each."""
        self._found = self._buffer("found", y.shape, np.dtype(np.uint8))
        self._better = self._buffer("better", y.shape, np.dtype(np.uint8))

    def _pool(self, rows: slice, places: list[Array], y: Array) -> None:
        """Fill y with the maxima and store their positions."""
        found, better = self._found[rows], self._better[rows]
        if self.window == 1:  # stride only: there is no second position to compare with
            found[...], y[...] = 0, places[0]
            return
        np.greater(places[1], places[0], out=found.view(bool))
        np.maximum(places[1], places[0], out=y)
        for place, values in enumerate(places[2:], start=2):
            np.greater(values, y, out=better.view(bool))
            np.maximum(values, y, out=y)
            better *= place
            np.maximum(found, better, out=found)  # the number of a later position is larger

    def _scatter_gradient(self, rows: slice, place: int, dy: Array, target: Array) -> None:
        """Write dy where the maximum was at that position, else 0."""
        here = np.equal(self._found[rows], place, out=self._better[rows].view(bool))
        np.multiply(dy, here, out=target)

    def _scatter_pairs(self, rows: slice, dy: Array, first: Array, second: Array) -> None:
        """Write the gradients of both positions with one product and one difference."""
        # One of the two is 0 and the other dy, so the difference is exact. It is cheaper than a second comparison.
        np.multiply(dy, self._found[rows].view(bool), out=second)
        np.subtract(dy, second, out=first)


class MeanPool1d(Pool1d):
    """y = the mean of each window; each pixel gets dy / window."""

    def _pool(self, rows: slice, places: list[Array], y: Array) -> None:
        """Fill y with the means."""
        y[...] = places[0]
        for values in places[1:]:
            y += values
        y /= self.window

    def _scatter_gradient(self, rows: slice, place: int, dy: Array, target: Array) -> None:
        """Write dy / window."""
        np.divide(dy, self.window, out=target)


class Pooling(BatchParallel):
    """Pooling over the square windows that lie completely on a map, `stride` apart."""

    releases_output = releases_dx = True

    along: type[Pool1d]
    """The layer that pools along one axis."""
    operation: ClassVar[str]
    """The name of its operation."""

    def __init__(self, path: str, window: int, stride: int | None = None) -> None:
        """Choose the window.

        Args:
            path: The path of the layer.
            window: Side of the window.
            stride: Step between two windows; None: the size of the window, so that windows are adjacent.
        """
        super().__init__(path)
        self.window, self.stride = window, window if stride is None else stride
        self._across = self.along(path, WIDTH, self.window, self.stride)
        self._down = self.along(path, HEIGHT, self.window, self.stride)

    def plan_forward(self, x: Array, *, train: bool, noise: NoiseSource, may_overwrite: bool) -> DeferredPass:
        """Plan y: the pooled maps, (N, oh, ow, channels)."""
        first = self._across.plan_forward(x, train=train, noise=noise, may_overwrite=may_overwrite)
        return _one_after_another(
            first, self._down.plan_forward(first.result, train=train, noise=noise, may_overwrite=False)
        )

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return the pooled maps."""
        return graph.pool(self.operation, x, window=self.window, stride=self.stride)

    def plan_backward(self, dy: Array, *, may_overwrite: bool) -> DeferredPass:
        """Plan dx, (N, h, w, channels)."""
        first = self._down.plan_backward(dy, may_overwrite=may_overwrite)
        return _one_after_another(first, self._across.plan_backward(first.result, may_overwrite=False))


def _one_after_another(first: DeferredPass, second: DeferredPass) -> DeferredPass:
    """Return the pass that runs both, the second on the result of the first."""
    do, then = first.work, second.work
    assert do is not None and then is not None

    def both(part: int, rows: slice) -> None:
        do(part, rows)
        then(part, rows)

    return DeferredPass(second.result, both)


class MaxPooling(Pooling):
    """y = the maximum of each window; its gradient goes to the first position of the maximum."""

    along = MaxPool1d
    operation = "max_pool"


class AveragePooling(Pooling):
    """y = the mean of each window; each pixel gets an equal part of dy."""

    along = MeanPool1d
    operation = "mean_pool"


class GlobalAveragePooling(Layer):
    """y = the mean of each map: (N, h, w, channels) -> (N, channels)."""

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the means, (N, channels)."""
        self._shape = x.shape
        n, h, w, c = x.shape
        return np.mean(x.reshape(n, h * w, c), axis=1, out=self._buffer("y", (n, c), x.dtype))

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return the means of the maps."""
        return graph.reshape("global_mean", x)

    def backward(self, dy: Array) -> Array:
        """Return dx = dy / (h w), the same for every pixel, (N, h, w, channels)."""
        _, h, w, _ = self._shape
        dx = self._buffer("dx", self._shape, dy.dtype)
        np.divide(dy[:, np.newaxis, np.newaxis, :], h * w, out=dx)
        return dx

"""Pooling over maps (N, height, width, channels): the largest or the mean in each window, or the mean of a map.

A square window is pooled along the width first and then along the height: the same numbers in fewer passes, and
most of them over half of the map.
"""

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.batch_parallel import BatchParallel, DeferredPass
from dropout_cli.nn.layers.convolution import conv_geometry

HEIGHT, WIDTH = 1, 2
"""Axes of maps."""


class Pool1d(BatchParallel):
    """Pooling along one axis: the windows that lie wholly on it, `stride` apart."""

    releases_output = releases_dx = True

    def __init__(self, path: str, axis: int, window: int, stride: int) -> None:
        """`axis`: HEIGHT or WIDTH."""
        super().__init__(path)
        self.axis, self.window, self.stride = axis, window, stride

    def plan_forward(self, x: Array, *, train: bool, noise: NoiseSource, may_overwrite: bool) -> DeferredPass:
        """Return the pooled maps."""
        self._shape, length = x.shape, x.shape[self.axis]
        size = conv_geometry(length, self.window, self.stride, "valid").size
        y = self._buffer("y", (*x.shape[: self.axis], size, *x.shape[self.axis + 1 :]), x.dtype)
        self._prepare(y)
        return DeferredPass(y, lambda _, rows: self._pool(rows, list(self._places(x[rows], size)), y[rows]))

    def plan_backward(self, dy: Array, *, may_overwrite: bool) -> DeferredPass:
        """Return the gradient of the maps: that of every window, given to its places and added up."""
        dx = self._buffer("dx", self._shape, dy.dtype)
        size, part = dy.shape[self.axis], self._buffer("part", dy.shape, dy.dtype)
        side_by_side = self.stride == self.window and size * self.stride == self._shape[self.axis]

        def spread(_: int, rows: slice) -> None:
            if not side_by_side:
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

        return DeferredPass(dx, spread)

    def _places(self, x: Array, size: int) -> Iterator[Array]:
        """For each place in a window, a view of what lies there in all windows."""
        for place in range(self.window):
            yield x[(slice(None),) * self.axis + (slice(place, place + self.stride * size, self.stride),)]

    def _prepare(self, y: Array) -> None:
        """Have ready, before the batch is divided, what is kept besides y."""
        return None

    @abstractmethod
    def _pool(self, rows: slice, places: list[Array], y: Array) -> None:
        """Fill y with the pooled value of each window."""

    def _scatter_pairs(self, rows: slice, dy: Array, first: Array, second: Array) -> None:
        """Write the gradients of both places of windows of two that lie side by side."""
        self._scatter_gradient(rows, 0, dy, first)
        self._scatter_gradient(rows, 1, dy, second)

    @abstractmethod
    def _scatter_gradient(self, rows: slice, place: int, dy: Array, target: Array) -> None:
        """Write the part of dy that goes to that place of each window."""


class MaxPool1d(Pool1d):
    """y = the largest of each window, and where it was first found."""

    def _prepare(self, y: Array) -> None:
        self._found = self._buffer("found", y.shape, np.dtype(np.uint8))
        self._better = self._buffer("better", y.shape, np.dtype(np.uint8))

    def _pool(self, rows: slice, places: list[Array], y: Array) -> None:
        found, better = self._found[rows], self._better[rows]
        if self.window == 1:
            found[...], y[...] = 0, places[0]
            return
        np.greater(places[1], places[0], out=found.view(bool))
        np.maximum(places[1], places[0], out=y)
        for place, values in enumerate(places[2:], start=2):
            np.greater(values, y, out=better.view(bool))
            np.maximum(values, y, out=y)
            better *= place
            np.maximum(found, better, out=found)  # a later place is a larger number

    def _scatter_gradient(self, rows: slice, place: int, dy: Array, target: Array) -> None:
        here = np.equal(self._found[rows], place, out=self._better[rows].view(bool))
        np.multiply(dy, here, out=target)

    def _scatter_pairs(self, rows: slice, dy: Array, first: Array, second: Array) -> None:
        # One of the two is 0 and the other dy, so that the difference is exact, and cheaper than another choice.
        np.multiply(dy, self._found[rows].view(bool), out=second)
        np.subtract(dy, second, out=first)


class MeanPool1d(Pool1d):
    """y = the mean of each window; each of its values gets the same share of dy."""

    def _pool(self, rows: slice, places: list[Array], y: Array) -> None:
        y[...] = places[0]
        for values in places[1:]:
            y += values
        y /= self.window

    def _scatter_gradient(self, rows: slice, place: int, dy: Array, target: Array) -> None:
        np.divide(dy, self.window, out=target)


class Pooling(BatchParallel):
    """The square windows that lie wholly on a map, `stride` apart."""

    releases_output = releases_dx = True

    along: type[Pool1d]

    def __init__(self, path: str, window: int, stride: int | None = None) -> None:
        """`stride`: None for windows side by side."""
        super().__init__(path)
        self.window, self.stride = window, window if stride is None else stride
        self._across = self.along(path, WIDTH, self.window, self.stride)
        self._down = self.along(path, HEIGHT, self.window, self.stride)

    def plan_forward(self, x: Array, *, train: bool, noise: NoiseSource, may_overwrite: bool) -> DeferredPass:
        """Return (N, oh, ow, channels)."""
        first = self._across.plan_forward(x, train=train, noise=noise, may_overwrite=may_overwrite)
        return _one_after_another(
            first, self._down.plan_forward(first.result, train=train, noise=noise, may_overwrite=False)
        )

    def plan_backward(self, dy: Array, *, may_overwrite: bool) -> DeferredPass:
        """Return dx, (N, h, w, channels)."""
        first = self._down.plan_backward(dy, may_overwrite=may_overwrite)
        return _one_after_another(first, self._across.plan_backward(first.result, may_overwrite=False))


def _one_after_another(first: DeferredPass, second: DeferredPass) -> DeferredPass:
    do, then = first.work, second.work
    assert do is not None and then is not None

    def both(part: int, rows: slice) -> None:
        do(part, rows)
        then(part, rows)

    return DeferredPass(second.result, both)


class MaxPooling(Pooling):
    """y = the largest in each window; its gradient goes to where it was found, the first place if there are several."""

    along = MaxPool1d


class AveragePooling(Pooling):
    """y = the mean of each window; every value of a window gets its share of dy."""

    along = MeanPool1d


class GlobalAveragePooling(Layer):
    """y = the mean of each map: (N, h, w, channels) -> (N, channels)."""

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return (N, channels)."""
        self._shape = x.shape
        n, h, w, c = x.shape
        return np.mean(x.reshape(n, h * w, c), axis=1, out=self._buffer("y", (n, c), x.dtype))

    def backward(self, dy: Array) -> Array:
        """Every pixel gets the same share of dy."""
        _, h, w, _ = self._shape
        dx = self._buffer("dx", self._shape, dy.dtype)
        np.divide(dy[:, np.newaxis, np.newaxis, :], h * w, out=dx)
        return dx

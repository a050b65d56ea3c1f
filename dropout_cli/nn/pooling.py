"""Pooling over maps (N, height, width, channels): the largest or the mean in each window, or the mean of a map."""

from collections.abc import Iterator

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.nn.convolution import Geometry, geometry
from dropout_cli.nn.layer import Layer, NoiseSource


class Pooling(Layer):
    """The windows that lie wholly on a map, `stride` apart."""

    def __init__(self, path: str, window: int, stride: int | None = None) -> None:
        """`stride`: None for windows side by side."""
        super().__init__(path)
        self.window, self.stride = window, window if stride is None else stride

    def _axes(self, x: Array) -> tuple[Geometry, Geometry]:
        rows, columns = (geometry(length, self.window, self.stride, "valid") for length in x.shape[1:3])
        return rows, columns

    def _offsets(self, x: Array) -> Iterator[Array]:
        """For each place in a window, a view (N, oh, ow, channels) of what lies there in all windows."""
        rows, columns = self._axes(x)
        for a in range(self.window):
            for b in range(self.window):
                yield x[
                    :, a : a + self.stride * rows.size : self.stride, b : b + self.stride * columns.size : self.stride
                ]

    def _empty(self, x: Array, name: str, dtype: np.dtype) -> Array:
        rows, columns = self._axes(x)
        return self._buffer(name, (len(x), rows.size, columns.size, x.shape[-1]), dtype)


class MaxPooling(Pooling):
    """y = the largest in each window; its gradient goes to where it was found, the first place if there are several."""

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return (N, oh, ow, channels)."""
        self._shape = x.shape
        y = self._empty(x, "y", x.dtype)
        self._place = self._empty(x, "place", np.dtype(np.uint8))
        better = self._empty(x, "better", np.dtype(np.bool_))
        for place, values in enumerate(self._offsets(x)):
            if place == 0:
                np.copyto(y, values)
                self._place[...] = 0
            else:
                np.greater(values, y, out=better)
                np.maximum(y, values, out=y)
                np.copyto(self._place, place, where=better)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx, (N, h, w, channels)."""
        dx = self._buffer("dx", self._shape, dy.dtype)
        dx[...] = 0
        part, here = self._empty(dx, "part", dy.dtype), self._empty(dx, "better", np.dtype(np.bool_))
        for place, target in enumerate(self._offsets(dx)):
            np.equal(self._place, place, out=here)
            np.multiply(dy, here, out=part)
            target += part
        return dx


class AveragePooling(Pooling):
    """y = the mean of each window."""

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return (N, oh, ow, channels)."""
        self._shape = x.shape
        y = self._empty(x, "y", x.dtype)
        y[...] = 0
        for values in self._offsets(x):
            y += values
        y /= self.window**2
        return y

    def backward(self, dy: Array) -> Array:
        """Every value of a window gets its share of dy."""
        dx = self._buffer("dx", self._shape, dy.dtype)
        dx[...] = 0
        share = np.divide(dy, self.window**2, out=self._buffer("share", dy.shape, dy.dtype))
        for target in self._offsets(dx):
            target += share
        return dx


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

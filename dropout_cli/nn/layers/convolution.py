"""Two-dimensional convolution (cross-correlation, as everywhere) over maps (N, height, width, channels).

    y[n, i, j, f] = sum over a, b, c of x[n, s i + a, s j + b, c] W[a, b, c, f] + b[f]

Each output pixel's patch becomes a row of a matrix (im2col), and the convolution a matrix product. This is done for
a few pictures at a time, so that the patches stay in the cache; they are gathered again for the backward pass, which
is faster than to keep them.
"""

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.initializers import Initializer
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.layers.batch_parallel import BatchParallel, DeferredPass
from dropout_cli.nn.parameter import Parameter

Padding = Literal["same", "valid"]

CACHED_BYTES = 1 << 19
"""Patches gathered at a time, or those of one picture."""


class ConvGeometry(NamedTuple):
    """Where a window of some size, moved in steps of some stride, lies on a map along one axis."""

    size: int
    """Of the output."""
    before: int
    """Zeros put before the map."""
    after: int
    """And after it."""


def conv_geometry(length: int, window: int, stride: int, padding: Padding) -> ConvGeometry:
    """One axis of a map under a window. `same`: ceil(length / stride) outputs, an odd zero at the end.

    `valid`: no zeros, only windows that lie wholly on the map. Raises ValueError where none does.
    """
    if padding == "same":
        size = math.ceil(length / stride)
        zeros = max(0, (size - 1) * stride + window - length)
        return ConvGeometry(size, zeros // 2, zeros - zeros // 2)
    if window > length:
        raise ValueError(f"a window of {window} is larger than a map of {length}")
    return ConvGeometry((length - window) // stride + 1, 0, 0)


class Convolution(BatchParallel):
    """y = x * W + b with x (N, h, w, channels), W (kh, kw, channels, filters), b (filters,)."""

    releases_output = releases_dx = True

    def __init__(
        self,
        path: str,
        channels: int,
        filters: int,
        kernel: tuple[int, int],
        initializer: Initializer,
        *,
        stride: int = 1,
        padding: Padding = "same",
        bias: bool = True,
        seed: int,
        dtype: DType,
    ) -> None:
        """Draw W and b from the streams `init:<path>/W` and `init:<path>/b` of `seed`."""
        super().__init__(path)
        self.channels, self.filters, self.kernel = channels, filters, kernel
        self.stride, self.padding = stride, padding
        weights = initializer.weights((*kernel, channels, filters), stream(seed, f"init:{path}/W"))
        self.W = Parameter(np.ascontiguousarray(weights, dtype))
        self.b: Parameter | None = None
        if bias:
            biases = initializer.biases(filters, stream(seed, f"init:{path}/b"))
            self.b = Parameter.bias(np.ascontiguousarray(biases, dtype))

    def plan_forward(self, x: Array, *, train: bool, noise: NoiseSource, may_overwrite: bool) -> DeferredPass:
        """Return the convolved maps, (N, oh, ow, filters)."""
        self._shape = x.shape
        padded = self._x = self._room_for_zeros(x)
        y = self._buffer("y", (len(x), *self._sizes(), self.filters), x.dtype)
        W = self.W.value.reshape(-1, self.filters)

        def convolve(part: int, pictures: slice) -> None:
            self._pad(x[pictures], padded[pictures])
            for few, patches in self._patches(part, pictures):
                np.matmul(patches, W, out=y[few].reshape(-1, self.filters))
                if self.b is not None:
                    y[few] += self.b.value

        return DeferredPass(y, convolve)

    def plan_gradients(self, dy: Array) -> DeferredPass:
        """dW = patches' dy, db = sum dy: a sum for each thread, and in the end their sum."""
        shape = (math.prod(self.kernel) * self.channels, self.filters)
        sums: dict[int, tuple[Array, Array]] = {}

        def correlate(part: int, pictures: slice) -> None:
            added = self._buffer(f"added{part}", shape, dy.dtype)
            if part not in sums:
                dW, db = self._buffer(f"dW{part}", shape, dy.dtype), self._buffer(f"db{part}", shape[1:], dy.dtype)
                dW[...] = db[...] = 0
                sums[part] = dW, db
            dW, db = sums[part]
            db += np.add.reduce(dy[pictures].reshape(-1, self.filters), axis=0)
            for few, patches in self._patches(part, pictures):
                dW += np.matmul(patches.T, dy[few].reshape(-1, self.filters), out=added)

        def add_up() -> None:
            dW = sum(sums[part][0] for part in sorted(sums))
            self.W.add_gradient(np.reshape(dW, self.W.value.shape), first=True)
            if self.b is not None:
                self.b.add_gradient(sum(sums[part][1] for part in sorted(sums)), first=True)

        return DeferredPass(dy, correlate, add_up)

    def plan_backward(self, dy: Array, *, may_overwrite: bool) -> DeferredPass:
        """Also dx: with stride 1 a convolution of dy with the kernel turned around, otherwise patch by patch."""
        own = self.plan_gradients(dy)
        dx, spread, _ = self._correlated(dy) if self.stride == 1 else self._scattered(dy)
        assert own.work is not None and own.finalize is not None and spread is not None
        learn, add_up, go_on = own.work, own.finalize, spread

        def both(part: int, pictures: slice) -> None:
            learn(part, pictures)
            go_on(part, pictures)

        return DeferredPass(dx, both, add_up)

    def _correlated(self, dy: Array) -> DeferredPass:
        """dx[n, i, j, c] = sum over a, b, f of dy[n, i + p - a, j + q - b, f] W[a, b, c, f]; p, q: zeros before."""
        (kh, kw), (oh, ow), (_, h, w, _) = self.kernel, self._sizes(), self._shape
        rows, columns = self._axes()
        top, left = kh - 1 - rows.before, kw - 1 - columns.before
        turned = np.ascontiguousarray(self.W.value[::-1, ::-1].swapaxes(2, 3)).reshape(-1, self.channels)
        dx = self._buffer("dx", self._shape, dy.dtype)
        few = max(1, CACHED_BYTES // (h * w * len(turned) * dy.itemsize))

        def correlate(part: int, pictures: slice) -> None:
            shape = (few, h + kh - 1, w + kw - 1, self.filters)
            padded = self._buffer(f"patches padded{part}", shape, dy.dtype)
            padded[...] = 0
            patches = self._buffer(f"patches turned{part}", (few, h, w, kh, kw * self.filters), dy.dtype)
            for start in range(pictures.start, pictures.stop, few):
                some = dy[start : min(start + few, pictures.stop)]
                padded[: len(some), top : top + oh, left : left + ow] = some
                np.copyto(patches[: len(some)], windows_of(padded[: len(some)], self.kernel, (h, w), 1))
                target = dx[start : start + len(some)].reshape(-1, self.channels)
                np.matmul(patches[: len(some)].reshape(-1, len(turned)), turned, out=target)

        return DeferredPass(dx, correlate)

    def _scattered(self, dy: Array) -> DeferredPass:
        """Every patch's gradient dy W' is added where the patch came from; zeros around the maps get theirs in vain."""
        W = self.W.value.reshape(-1, self.filters)
        (kh, kw), (oh, ow), s, (_, h, w, _) = self.kernel, self._sizes(), self.stride, self._shape
        rows, columns = self._axes()
        dx = self._buffer("dx", self._shape, dy.dtype)

        def scatter(part: int, pictures: slice) -> None:
            for few in self._chunks(pictures):
                count = few.stop - few.start
                patches = self._buffer(f"patches{part}", (count * oh * ow, len(W)), dy.dtype)
                np.matmul(dy[few].reshape(-1, self.filters), W.T, out=patches)
                offsets = patches.reshape(count, oh, ow, kh, kw, self.channels)
                target = self._buffer(f"patches added{part}", (count, *self._x.shape[1:]), dy.dtype)
                target[...] = 0
                for a in range(kh):
                    for b in range(kw):
                        target[:, a : a + s * oh : s, b : b + s * ow : s] += offsets[:, :, :, a, b]
                dx[few] = target[:, rows.before : rows.before + h, columns.before : columns.before + w]

        return DeferredPass(dx, scatter)

    def parameters(self) -> dict[str, Parameter]:
        """W, and b where there is one."""
        biases = {} if self.b is None else {f"{self.path}/b": self.b}
        return {f"{self.path}/W": self.W} | biases

    def _axes(self) -> tuple[ConvGeometry, ConvGeometry]:
        _, height, width, _ = self._shape
        rows = conv_geometry(height, self.kernel[0], self.stride, self.padding)
        return rows, conv_geometry(width, self.kernel[1], self.stride, self.padding)

    def _sizes(self) -> tuple[int, int]:
        rows, columns = self._axes()
        return rows.size, columns.size

    def _room_for_zeros(self, x: Array) -> Array:
        """Where the maps with zeros around them go; the maps themselves where there are to be none."""
        rows, columns = self._axes()
        n, h, w, c = x.shape
        shape = (n, h + rows.before + rows.after, w + columns.before + columns.after, c)
        return x if shape == x.shape and x.flags.c_contiguous else self._buffer("padded", shape, x.dtype)

    def _pad(self, x: Array, padded: Array) -> None:
        """Put zeros around some maps."""
        if padded.shape != x.shape or not np.may_share_memory(padded, x):
            rows, columns = self._axes()
            padded[...] = 0
            padded[:, rows.before : rows.before + x.shape[1], columns.before : columns.before + x.shape[2]] = x

    def _chunks(self, pictures: slice) -> Iterator[slice]:
        """Those pictures, a few at a time."""
        oh, ow = self._sizes()
        bytes_each = oh * ow * math.prod(self.kernel) * self.channels * self.W.value.itemsize
        few = max(1, CACHED_BYTES // bytes_each)
        for start in range(pictures.start, pictures.stop, few):
            yield slice(start, min(start + few, pictures.stop))

    def _patches(self, part: int, pictures: slice) -> Iterator[tuple[slice, Array]]:
        """A few pictures, and a row for each of their output pixels: (pictures oh ow, kh kw channels)."""
        (kh, kw), (oh, ow), c = self.kernel, self._sizes(), self.channels
        for few in self._chunks(pictures):
            windows = windows_of(self._x[few], self.kernel, (oh, ow), self.stride)
            patches = self._buffer(f"patches{part}", (len(windows), oh, ow, kh, kw * c), self._x.dtype)
            np.copyto(patches, windows)
            yield few, patches.reshape(-1, kh * kw * c)


def windows_of(x: Array, kernel: tuple[int, int], sizes: Shape, stride: int) -> Array:
    """A view (N, oh, ow, kh, kw channels) of contiguous maps: what lies under the kernel, a row of it in one piece."""
    n, _, _, channels = x.shape
    picture, row, column, value = x.strides
    shape = (n, *sizes, kernel[0], kernel[1] * channels)
    return np.ndarray(shape, x.dtype, x, strides=(picture, row * stride, column * stride, row, value))

"""Two-dimensional convolution of maps (N, height, width, channels).

    y[n, i, j, f] = sum over a, b, c of x[n, s i + a, s j + b, c] W[a, b, c, f] + b[f]

As in every framework, it is a cross-correlation: the kernel is not flipped. The patch of each output pixel becomes one
row of a matrix (im2col), so that the convolution is a matrix product. This is done for a few images at a time, so that
the patches stay in the cache. The backward pass gathers them again, which is faster than storing them.
"""

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.initializers import Initializer
from dropout_cli.nn.layers.base import NoiseSource
from dropout_cli.nn.layers.fast_passes import BatchParallel, DeferredPass
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.nn.parameter import Parameter

Padding = Literal["same", "valid"]

CACHED_BYTES = 1 << 19
"""Size of the patches that are gathered at a time, in bytes; one image may need more."""


class ConvGeometry(NamedTuple):
    """Output size and zero padding of a sliding window along one axis."""

    size: int
    """Number of window positions, the size of the output."""
    before: int
    """Number of zeros before the map."""
    after: int
    """Number of zeros after the map."""


def conv_geometry(length: int, window: int, stride: int, padding: Padding) -> ConvGeometry:
    """Return output size and padding of a window that slides along one axis of a map.

    Args:
        length: Size of the map along the axis.
        window: Size of the window.
        stride: Step between two positions of the window.
        padding: `same`: ceil(length / stride) positions, with an odd zero at the end. `valid`: no zeros, only
            windows that lie completely on the map.

    Raises:
        ValueError: the padding is `valid` and the window is larger than the map.
    """
    if padding == "same":
        size = math.ceil(length / stride)
        zeros = max(0, (size - 1) * stride + window - length)
        return ConvGeometry(size, zeros // 2, zeros - zeros // 2)
    if window > length:
        raise ValueError(f"a window of {window} does not fit into a feature map of {length}")
    return ConvGeometry((length - window) // stride + 1, 0, 0)


class Convolution(BatchParallel):
    """y = conv(x, W) + b; x (N, h, w, channels), W (kh, kw, channels, filters)."""

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
        """Draw W and b from the streams `init:<path>/W` and `init:<path>/b`.

        Args:
            path: The path of the layer.
            channels: Number of input channels.
            filters: Number of output channels.
            kernel: Height and width of the kernel.
            initializer: The distribution of W and b.
            stride: Step of the window in both directions.
            padding: `same` or `valid`, see `conv_geometry`.
            bias: False for no b, for example if a normalization follows.
            seed: The seed of the initial weights.
            dtype: The dtype of the parameters.
        """
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
        """Plan y: the convolved maps, (N, oh, ow, filters)."""
        self._shape = x.shape
        padded = self._x = self._room_for_zeros(x)
        y = self._buffer("y", (len(x), *self._sizes(), self.filters), x.dtype)
        W = self.W.value.reshape(-1, self.filters)

        def convolve(part: int, images: slice) -> None:
            self._pad(x[images], padded[images])
            for few, patches in self._patches(part, images):
                np.matmul(patches, W, out=y[few].reshape(-1, self.filters))
                if self.b is not None:
                    y[few] += self.b.value

        return DeferredPass(y, convolve)

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return the convolved maps."""
        rows, columns = (
            conv_geometry(length, window, self.stride, self.padding)
            for length, window in zip(x.shape[:2], self.kernel, strict=True)
        )
        W = graph.constant(f"{self.path}/W", self.W.value)
        b = None if self.b is None else graph.constant(f"{self.path}/b", self.b.value)
        padding = (rows.before, rows.after, columns.before, columns.after)
        return graph.convolution(x, W, b, stride=self.stride, padding=padding)

    def plan_gradients(self, dy: Array) -> DeferredPass:
        """Plan dW = patches'dy and db = sum dy, with sums per thread that are added at the end."""
        shape = (math.prod(self.kernel) * self.channels, self.filters)
        sums: dict[int, tuple[Array, Array]] = {}

        def correlate(part: int, images: slice) -> None:
            added = self._buffer(f"added{part}", shape, dy.dtype)
            if part not in sums:
                dW, db = self._buffer(f"dW{part}", shape, dy.dtype), self._buffer(f"db{part}", shape[1:], dy.dtype)
                dW[...] = db[...] = 0
                sums[part] = dW, db
            dW, db = sums[part]
            db += np.add.reduce(dy[images].reshape(-1, self.filters), axis=0)
            for few, patches in self._patches(part, images):
                dW += np.matmul(patches.T, dy[few].reshape(-1, self.filters), out=added)

        def add_up() -> None:
            # In the order of the parts, not of the threads' ends: sums of floats depend on the order.
            dW = sum(sums[part][0] for part in sorted(sums))
            self.W.add_gradient(np.reshape(dW, self.W.value.shape), first=True)
            if self.b is not None:
                self.b.add_gradient(sum(sums[part][1] for part in sorted(sums)), first=True)

        return DeferredPass(dy, correlate, add_up)

    def plan_backward(self, dy: Array, *, may_overwrite: bool) -> DeferredPass:
        """Plan dx, (N, h, w, channels), together with the gradients of the parameters."""
        own = self.plan_gradients(dy)
        dx, fill, _ = self._correlated(dy) if self.stride == 1 else self._scattered(dy)
        assert own.work is not None and own.finalize is not None and fill is not None
        accumulate, add_up, fill_dx = own.work, own.finalize, fill  # for the type checker, which forgets the assertion

        def both(part: int, images: slice) -> None:
            accumulate(part, images)
            fill_dx(part, images)

        return DeferredPass(dx, both, add_up)

    def _correlated(self, dy: Array) -> DeferredPass:
        """Plan dx for stride 1: the convolution of dy with the flipped kernel.

        dx[n, i, j, c] = sum over a, b, f of dy[n, i + p - a, j + q - b, f] W[a, b, c, f]; p, q: zeros before the map.
        """
        (kh, kw), (oh, ow), (_, h, w, _) = self.kernel, self._sizes(), self._shape
        rows, columns = self._axes()
        top, left = kh - 1 - rows.before, kw - 1 - columns.before
        turned = np.ascontiguousarray(self.W.value[::-1, ::-1].swapaxes(2, 3)).reshape(-1, self.channels)
        dx = self._buffer("dx", self._shape, dy.dtype)
        few = max(1, CACHED_BYTES // (h * w * len(turned) * dy.itemsize))

        def correlate(part: int, images: slice) -> None:
            shape = (few, h + kh - 1, w + kw - 1, self.filters)
            padded = self._buffer(f"patches padded{part}", shape, dy.dtype)
            padded[...] = 0
            patches = self._buffer(f"patches turned{part}", (few, h, w, kh, kw * self.filters), dy.dtype)
            for start in range(images.start, images.stop, few):
                some = dy[start : min(start + few, images.stop)]
                padded[: len(some), top : top + oh, left : left + ow] = some
                np.copyto(patches[: len(some)], windows_of(padded[: len(some)], self.kernel, (h, w), 1))
                target = dx[start : start + len(some)].reshape(-1, self.channels)
                np.matmul(patches[: len(some)].reshape(-1, len(turned)), turned, out=target)

        return DeferredPass(dx, correlate)

    def _scattered(self, dy: Array) -> DeferredPass:
        """Plan dx for any stride: add the gradient dy W' of each patch to its pixels."""
        W = self.W.value.reshape(-1, self.filters)
        (kh, kw), (oh, ow), s, (_, h, w, _) = self.kernel, self._sizes(), self.stride, self._shape
        rows, columns = self._axes()
        dx = self._buffer("dx", self._shape, dy.dtype)

        def scatter(part: int, images: slice) -> None:
            for few in self._chunks(images):
                count = few.stop - few.start
                patches = self._buffer(f"patches{part}", (count * oh * ow, len(W)), dy.dtype)
                np.matmul(dy[few].reshape(-1, self.filters), W.T, out=patches)
                offsets = patches.reshape(count, oh, ow, kh, kw, self.channels)
                target = self._buffer(f"patches added{part}", (count, *self._x.shape[1:]), dy.dtype)
                target[...] = 0  # it includes the padding, whose gradient is cut off below
                for a in range(kh):
                    for b in range(kw):
                        target[:, a : a + s * oh : s, b : b + s * ow : s] += offsets[:, :, :, a, b]
                dx[few] = target[:, rows.before : rows.before + h, columns.before : columns.before + w]

        return DeferredPass(dx, scatter)

    def parameters(self) -> dict[str, Parameter]:
        """Return W, and b if the layer has biases, by name."""
        biases = {} if self.b is None else {f"{self.path}/b": self.b}
        return {f"{self.path}/W": self.W} | biases

    def _axes(self) -> tuple[ConvGeometry, ConvGeometry]:
        """Return the geometry of the rows and of the columns for the last input."""
        _, height, width, _ = self._shape
        rows = conv_geometry(height, self.kernel[0], self.stride, self.padding)
        return rows, conv_geometry(width, self.kernel[1], self.stride, self.padding)

    def _sizes(self) -> tuple[int, int]:
        """Return height and width of the output."""
        rows, columns = self._axes()
        return rows.size, columns.size

    def _room_for_zeros(self, x: Array) -> Array:
        """Return the array for the maps with padding; the maps themselves if they need none."""
        rows, columns = self._axes()
        n, h, w, c = x.shape
        shape = (n, h + rows.before + rows.after, w + columns.before + columns.after, c)
        return x if shape == x.shape and x.flags.c_contiguous else self._buffer("padded", shape, x.dtype)

    def _pad(self, x: Array, padded: Array) -> None:
        """Copy some maps into the padded array, with zeros around them."""
        # Nothing to copy if `_room_for_zeros` returned x itself.
        if padded.shape != x.shape or not np.may_share_memory(padded, x):
            rows, columns = self._axes()
            padded[...] = 0
            padded[:, rows.before : rows.before + x.shape[1], columns.before : columns.before + x.shape[2]] = x

    def _chunks(self, images: slice) -> Iterator[slice]:
        """Divide the images into slices whose patches fit into the cache."""
        oh, ow = self._sizes()
        bytes_each = oh * ow * math.prod(self.kernel) * self.channels * self.W.value.itemsize
        few = max(1, CACHED_BYTES // bytes_each)
        for start in range(images.start, images.stop, few):
            yield slice(start, min(start + few, images.stop))

    def _patches(self, part: int, images: slice) -> Iterator[tuple[slice, Array]]:
        """Yield slices of images with their patches, (images oh ow, kh kw channels)."""
        (kh, kw), (oh, ow), c = self.kernel, self._sizes(), self.channels
        for few in self._chunks(images):
            windows = windows_of(self._x[few], self.kernel, (oh, ow), self.stride)
            patches = self._buffer(f"patches{part}", (len(windows), oh, ow, kh, kw * c), self._x.dtype)
            np.copyto(patches, windows)
            yield few, patches.reshape(-1, kh * kw * c)


def windows_of(x: Array, kernel: tuple[int, int], sizes: Shape, stride: int) -> Array:
    """Return a view of all windows of the maps, without copying.

    Args:
        x: C-contiguous maps, (N, h, w, channels).
        kernel: Height and width of the window.
        sizes: Height and width of the output.
        stride: Step of the window.

    Returns:
        View (N, oh, ow, kh, kw channels); one row of a window is contiguous in memory.
    """
    n, _, _, channels = x.shape
    image, row, column, value = x.strides
    shape = (n, *sizes, kernel[0], kernel[1] * channels)
    return np.ndarray(shape, x.dtype, x, strides=(image, row * stride, column * stride, row, value))

"""A network as a list of operations, which other programs and file formats can express.

Each layer says in `Layer.describe` how it computes its output, once for all formats. A graph collects these operations:

    affine          x W + b                        convolution           as nn.layers.convolution, padded as given
    max_pool        the maximum of each window     mean_pool             the mean of each window
    global_mean     (h, w, c) -> (c,)              flatten               (...) -> (d,)
    add_axis        (d,) -> (1, d)                 mean_over_first_axis  (n, d) -> (d,)
    pad             zeros around each map          mean_over_batch       one number for all values of all examples
    product         x y, a matrix per example      columns               x[start:stop]
    uniform         u ~ U(0, 1)                    normal                eps ~ N(0, 1)
    normalize       (x - mean) / sqrt(variance + epsilon) for each channel
    scale_shift     gamma x + beta for each channel
    argmax          the index of the largest value

and those of `UNARY` and `BINARY`, which are elementwise and broadcast as in NumPy. Shapes are those of one example,
maps are (height, width, channels), and numbers are float32 unless `to_float64` made them float64.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from dropout_cli.core.types import Array, Shape

UNARY = (
    *("relu", "tanh", "sigmoid", "gelu", "selu", "softplus", "softmax"),
    *("exp", "log", "sqrt", "square", "to_float32", "to_float64"),
)
BINARY = ("add", "subtract", "multiply", "divide", "less")
"""less: 1 where x < y, else 0."""


class UndescribedLayer(NotImplementedError):
    """A layer or a variant does not say with which operations it computes."""


def is_described(cls: type, description: str, *computations: str) -> bool:
    """Return True unless a class computes in another way than its description says.

    Args:
        cls: The class of a layer or of a variant.
        description: The name of the method that describes.
        computations: The names of the methods that compute.
    """
    for base in cls.__mro__:
        if description in vars(base):
            return True
        if any(name in vars(base) for name in computations):
            return False
    return False


@dataclass(frozen=True)
class GraphValue:
    """A value that an operation computes."""

    name: str
    shape: Shape
    """The shape of one example."""


@dataclass(frozen=True, eq=False)
class GraphConstant:
    """An array of the trained network."""

    name: str
    array: Array


Operand: TypeAlias = GraphValue | GraphConstant | float


@dataclass(frozen=True)
class Operation:
    """One operation, with its operands and settings."""

    kind: str
    operands: tuple[Operand, ...]
    settings: Mapping[str, Any]
    output: GraphValue
    path: str
    """The path of the layer that it is a part of."""


class DescribedLayer(Protocol):
    """A layer, which says in `describe` how it computes."""

    path: str

    def describe(self, graph: "OperationGraph", x: GraphValue) -> GraphValue:
        """Return the output for an input, after adding its operations to a graph."""


@dataclass
class OperationGraph:
    """The operations of a network, in the order of their computation."""

    draws_noise: bool = False
    """True if layers describe the passes with dropout noise, as Monte Carlo dropout draws it."""
    operations: list[Operation] = field(default_factory=list)
    constants: dict[str, GraphConstant] = field(default_factory=dict)
    _path: str = ""

    @property
    def has_drawn(self) -> bool:
        """True if any operation draws random numbers."""
        return any(operation.kind in ("uniform", "normal") for operation in self.operations)

    @contextmanager
    def inside(self, path: str) -> Iterator[None]:
        """Name the layer that the operations of the block belong to.

        Args:
            path: The path of the layer.
        """
        outer, self._path = self._path, path
        try:
            yield
        finally:
            self._path = outer

    def apply(self, layer: DescribedLayer, x: GraphValue) -> GraphValue:
        """Add the operations of a layer, and return its output.

        Args:
            layer: The layer.
            x: Its input.

        Raises:
            UndescribedLayer: The layer does not say how it computes.
        """
        if not is_described(type(layer), "describe", "forward", "plan_forward"):
            fact = f"the layer {type(layer).__name__} has a forward pass of its own, but no method describe"
            raise UndescribedLayer(layer.path, fact)
        with self.inside(layer.path):
            return layer.describe(self, x)

    def constant(self, name: str, array: Array) -> GraphConstant:
        """Return a copy of an array as a constant.

        Args:
            name: A name, such as `hidden1/W`. Equal arrays may be given several times.
            array: The array.
        """
        known = self.constants.get(name)
        if known is None:
            known = self.constants[name] = GraphConstant(name, np.array(array))
        elif not np.array_equal(known.array, array):
            raise ValueError(f"{name} is the name of two arrays")
        return known

    def affine(self, x: GraphValue, W: GraphConstant, b: GraphConstant | None = None) -> GraphValue:
        """Return x W + b.

        Args:
            x: (in,).
            W: (in, out).
            b: (out,); None: 0.
        """
        operands = (x, W) if b is None else (x, W, b)
        return self._add("affine", operands, (*x.shape[:-1], W.array.shape[1]))

    def convolution(
        self,
        x: GraphValue,
        W: GraphConstant,
        b: GraphConstant | None,
        *,
        stride: int,
        padding: tuple[int, int, int, int],
    ) -> GraphValue:
        """Return the convolved maps.

        Args:
            x: (height, width, channels).
            W: (kernel height, kernel width, channels, filters).
            b: (filters,); None: 0.
            stride: Step of the kernel.
            padding: Zeros above, below, left and right.
        """
        operands = (x, W) if b is None else (x, W, b)
        height, width = x.shape[0] + padding[0] + padding[1], x.shape[1] + padding[2] + padding[3]
        kh, kw, _, filters = W.array.shape
        shape = ((height - kh) // stride + 1, (width - kw) // stride + 1, filters)
        return self._add("convolution", operands, shape, stride=stride, padding=padding)

    def pool(self, kind: str, x: GraphValue, *, window: int, stride: int) -> GraphValue:
        """Return the maps after `max_pool` or `mean_pool`.

        Args:
            kind: The name of the operation.
            x: (height, width, channels).
            window: Side of the window.
            stride: Step of the window.
        """
        height, width, channels = x.shape
        shape = ((height - window) // stride + 1, (width - window) // stride + 1, channels)
        return self._add(kind, (x,), shape, window=window, stride=stride)

    def pad(self, x: GraphValue, size: int) -> GraphValue:
        """Return maps with zeros on all four sides.

        Args:
            x: (height, width, channels).
            size: Number of rows and columns of zeros on each side.
        """
        return self._add("pad", (x,), (x.shape[0] + 2 * size, x.shape[1] + 2 * size, x.shape[2]), size=size)

    def reshape(self, kind: str, x: GraphValue) -> GraphValue:
        """Return x after an operation that only changes or reduces its shape.

        Args:
            kind: `global_mean`, `flatten`, `add_axis`, `mean_over_first_axis`, `mean_over_batch` or `argmax`.
            x: Any shape that the operation takes.
        """
        shapes: dict[str, Shape] = {
            "global_mean": x.shape[-1:],
            "flatten": (int(np.prod(x.shape)),),
            "add_axis": (1, *x.shape),
            "mean_over_first_axis": x.shape[1:],
            "mean_over_batch": (),
            "argmax": (),
        }
        return self._add(kind, (x,), shapes[kind])

    def normalize(self, x: GraphValue, mean: GraphConstant, variance: GraphConstant, *, epsilon: float) -> GraphValue:
        """Return (x - mean) / sqrt(variance + epsilon) for each channel, the last axis of x."""
        return self._add("normalize", (x, mean, variance), x.shape, epsilon=epsilon)

    def scale_shift(self, x: GraphValue, gamma: GraphConstant, beta: GraphConstant) -> GraphValue:
        """Return gamma x + beta for each channel, the last axis of x."""
        return self._add("scale_shift", (x, gamma, beta), x.shape)

    def product(self, x: GraphValue, y: GraphValue) -> GraphValue:
        """Return the matrix product of x (n, in) and y (in, out) for each example."""
        return self._add("product", (x, y), (x.shape[0], y.shape[1]))

    def columns(self, x: GraphValue, start: int, stop: int) -> GraphValue:
        """Return x[start:stop] of each example."""
        return self._add("columns", (x,), (stop - start,), start=start, stop=stop)

    def elementwise(self, kind: str, x: Operand, y: Operand | None = None) -> GraphValue:
        """Return the result of an operation of `UNARY` or `BINARY`.

        Args:
            kind: The name of the operation.
            x: The first operand.
            y: The second operand of a binary operation. Constants need not have an axis for the batch.
        """
        operands = (x,) if y is None else (x, y)
        if kind not in (UNARY if y is None else BINARY):
            raise ValueError(f"{kind} is not an operation of {len(operands)} operands")
        return self._add(kind, operands, np.broadcast_shapes(*map(_shape, operands)))

    def uniform(self, x: GraphValue, shape: Shape, *, per_example: bool = True) -> GraphValue:
        """Return draws of u ~ U(0, 1).

        Args:
            x: A value of the batch, which decides the number of examples.
            shape: The shape of the draws of one example.
            per_example: False for one draw for all examples.
        """
        return self._add("uniform", (x,), shape, per_example=per_example)

    def normal(self, x: GraphValue, shape: Shape) -> GraphValue:
        """Return draws of eps ~ N(0, 1) for each example.

        Args:
            x: A value of the batch, which decides the number of examples.
            shape: The shape of the draws of one example.
        """
        return self._add("normal", (x,), shape, per_example=True)

    def bernoulli(self, x: GraphValue, shape: Shape, keep: float, *, per_example: bool = True) -> GraphValue:
        """Return draws that are 1 with probability `keep`, else 0.

        Args:
            x: A value of the batch, which decides the number of examples.
            shape: The shape of the draws of one example.
            keep: The probability of a 1.
            per_example: False for one draw for all examples.
        """
        return self.elementwise("less", self.uniform(x, shape, per_example=per_example), keep)

    def _add(self, kind: str, operands: tuple[Operand, ...], shape: Shape, **settings: Any) -> GraphValue:
        output = GraphValue(f"v{len(self.operations) + 1}", tuple(map(int, shape)))
        self.operations.append(Operation(kind, operands, settings, output, self._path))
        return output


def _shape(operand: Operand) -> Shape:
    if isinstance(operand, GraphValue):
        return operand.shape
    return operand.array.shape if isinstance(operand, GraphConstant) else ()

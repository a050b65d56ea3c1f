"""Batchwise dropout: one mask per batch, so dropped units are not computed at all.

    training     y = s m (.) a     m ~ Bernoulli(q), shape (1, units), new in each step,  q = 1 - rate
                 s = (1 - rate^units) / q          close to 1 / q; an empty mask is drawn again
    products     (s a[:, ki]) W[ki, ko] + b[ko]    ki, ko: the kept units of the previous and of this layer
    evaluation   y = a

Output and gradients equal those of the dense network with the same mask. The work falls to q_in q_out of the dense
network. The gradients of dropped rows and columns are 0. A mask that is not empty keeps a unit with probability
1 / s, so y has mean a. If normalization or additive noise comes between the linear map and the activation, all units
of the layer are computed, and only its inputs are reduced.

Graham, Reizenstein, Robinson 2015, arXiv:1502.02478.

When to use: to save time in wide dense layers with a high rate and small batches. Otherwise use `inverted`, where each
example has a mask of its own.

Notes: all examples of a batch share the mask. Use small batches (up to 128). Objectives that repeat the batch to see
several masks see only one. Momentum still moves dropped weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from dropout_cli.core.field_types import Rate, Rates
from dropout_cli.core.registry import Choice
from dropout_cli.core.types import Array
from dropout_cli.nn.backend.matmul import matmul_into
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.fast_passes import PassOptimizations
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Variant, all_rates, check_rate_count, rate_of
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.masks import bernoulli, keep_probability
from dropout_cli.variants.toolkit.rate_schedules import RATE_SCHEDULES, ConstantRate, RateSchedule
from dropout_cli.variants.toolkit.scheduled_rate import ScheduledRate


@VARIANTS.register("batchwise")
@dataclass(frozen=True, kw_only=True)
class Batchwise(Variant):
    """Draws one mask per batch, so that only the kept units are computed."""

    rate: Rates = 0.5
    """The probability of dropping a hidden unit: one number, or one per hidden layer."""
    input_rate: Rate = 0.0
    """The probability of dropping an element of the network's input."""
    rate_schedule: Annotated[RateSchedule, Choice(RATE_SCHEDULES)] = ConstantRate()
    """How the rates change during training."""

    acts_on = "units of hidden layers and of the input, for a whole batch"
    paper = "Graham, Reizenstein, Robinson 2015, arXiv:1502.02478"
    per_example = False
    example = VariantExample(
        numpy="""
rate, units = 0.5, x.shape[1]
q = 1 - rate
m = rng.random(units) < q  # one mask for all examples
while not m.any():
    m = rng.random(units) < q
s = (1 - rate**units) / q
y = np.zeros_like(x)
y[:, m] = s * x[:, m]  # only kept units are computed
""",
        evaluation="All units are computed, and nothing is scaled: y = x.",
        noise="multiplier s m",
    )

    def input(self, location: Location) -> Layer:
        """Return the layer that selects the kept elements of the input."""
        return MaskedUnit(location.path, [], UnitMask(self, self.input_rate, location, location.fan_in, computed=False))

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return a unit that computes its kept units from those of the previous layer."""
        rate = rate_of(self.rate, location.index)
        mask = UnitMask(self, rate, location, linear.fan_out, computed=not between)
        inner = CompactLinear(linear, previous_mask(location), None if between else mask)
        return MaskedUnit(location.path, [inner, *between, activation], mask)

    def output(self, linear: Dense, location: Location) -> Layer:
        """Return an output layer that drops nothing and reads only kept inputs."""
        return CompactLinear(linear, previous_mask(location), None)

    def rates(self) -> tuple[float, ...]:
        """Return the rates of the hidden layers and of the input."""
        return all_rates(self.rate, self.input_rate)

    def schedule(self) -> RateSchedule:
        """Return `rate_schedule`."""
        return self.rate_schedule

    def check_network(self, *, hidden: int, activation: str) -> None:
        """Raise InvalidField if a list of rates does not have one per hidden layer."""
        check_rate_count(self.rate, hidden)


class UnitMask(ScheduledRate):
    """The mask of a layer: y = s a[:, kept], or s a if only kept units were computed."""

    def __init__(self, variant: Batchwise, rate: float, location: Location, units: int, *, computed: bool) -> None:
        """Keep all units until the first draw.

        Args:
            variant: The variant; its schedule changes the rate.
            rate: The rate of this location, before the schedule.
            location: The location in the network.
            units: The number of units.
            computed: True if the input of this layer has the kept units only.
        """
        super().__init__(f"{location.path}/dropout")
        self._units, self._computed = units, computed
        self._realized = 0.0
        self.kept: Array | None = None
        """The indices of the kept units. None: all units are kept."""
        self._follow(variant.rate_schedule, rate, location.steps)

    def scale(self) -> float:
        """Return s = 1 / P(kept | the mask is not empty)."""
        q = keep_probability(self.rate)
        return (1 - (1 - q) ** self._units) / q

    def draw(self, train: bool, noise: NoiseSource) -> Array | None:
        """Draw the kept units, at least one; without noise, keep all."""
        self.kept = None
        while noise is not None and self.rate > 0 and (self.kept is None or not len(self.kept)):
            shape = noise.draw_shape(self.path, (1, self._units))
            self.kept = np.flatnonzero(bernoulli(shape, self.rate, noise[self.path]))
        if self.kept is not None:
            self._places = np.full(self._units, len(self.kept))
            self._places[self.kept] = np.arange(len(self.kept))
        if train:
            self._realized = 0.0 if self.kept is None else 1 - len(self.kept) / self._units
        return self.kept

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the kept units times s, (N, kept)."""
        if not self._computed:
            self.draw(train, noise)
        if self.kept is None:
            return x
        self._scale = x.dtype.type(self.scale())
        y = self._buffer("y", (len(x), len(self.kept)), x.dtype)
        if self._computed:
            y[...] = x
            y *= self._scale
            return y
        np.take(x, self.kept, axis=1, out=y, mode="clip")
        y *= self._scale
        return y

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return s m (.) x, with 0 for dropped units."""
        if not graph.draws_noise or self.rate == 0:
            return x
        n, q = self._units, keep_probability(self.rate)
        # A mask that is not empty, without drawing again: the index of the first kept unit has the probabilities of a
        # geometric distribution that ends at n, and each unit after it is kept with probability q.
        v = graph.uniform(x, (1,), per_example=False)
        tail = graph.elementwise("subtract", 1.0, graph.elementwise("multiply", v, 1 - (1 - q) ** n))
        first = graph.elementwise(
            "multiply", graph.elementwise("log", tail), 1 / math.log(1 - q)
        )  # in [i, i + 1) for unit i
        places = np.arange(n + 1, dtype=np.float32)
        after = graph.elementwise("less", first, graph.constant(f"{self.path}/places", places[:-1]))
        reached = graph.elementwise("less", first, graph.constant(f"{self.path}/next_places", places[1:]))
        kept = graph.elementwise("multiply", after, graph.bernoulli(x, (n,), q, per_example=False))
        mask = graph.elementwise("add", kept, graph.elementwise("subtract", reached, after))
        return graph.elementwise("multiply", x, graph.elementwise("multiply", mask, self.scale()))

    def backward(self, dy: Array) -> Array:
        """Return dx: dy times s for the kept units, 0 for the others."""
        if self.kept is None:
            return dy
        dx = np.multiply(dy, self._scale, out=self._buffer("dx", dy.shape, dy.dtype))
        return dx if self._computed else self.dense_output(dx)

    def dense_output(self, y: Array) -> Array:
        """Return y (or dx) with a 0 for each dropped unit, (N, units)."""
        if self.kept is None:
            return y
        # Faster than a scatter: every kept unit takes its own column, every dropped unit the last one, which is 0.
        padded = self._buffer("padded", (len(y), len(self.kept) + 1), y.dtype)
        padded[:, :-1], padded[:, -1] = y, 0
        return np.take(
            padded, self._places, axis=1, out=self._buffer("whole", (len(y), self._units), y.dtype), mode="clip"
        )

    def columns(self) -> dict[str, float]:
        """Return the current rate, and the fraction dropped in the last training step."""
        return {} if self._stays_zero() else self._rate_columns(self.path, self._realized)


class MaskedUnit(Sequential):
    """A unit that ends in a mask, which the next unit reads."""

    def __init__(self, path: str, layers: Sequence[Layer], mask: UnitMask) -> None:
        """Chain the layers, with the mask as the last one."""
        super().__init__(path, [*layers, mask])
        self.mask = mask


def previous_mask(location: Location) -> UnitMask | None:
    """Return the mask of the previous unit; None if it has no mask."""
    return location.previous.mask if isinstance(location.previous, MaskedUnit) else None


class CompactLinear(PassOptimizations):
    """A linear map z[:, ko] = x W[ki, ko] + b[ko], with x the kept columns of the input."""

    def __init__(self, linear: Dense, below: UnitMask | None, own: UnitMask | None) -> None:
        """Compute only kept rows and columns of a linear map.

        Args:
            linear: The complete linear map.
            below: The mask of the inputs; None: all inputs are kept.
            own: The mask of the outputs; None: all outputs are computed.
        """
        super().__init__(linear.path)
        self._linear, self._below, self._own = linear, below, own

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return z of the kept outputs, (N, kept)."""
        self._rows = None if self._below is None else self._below.kept
        self._columns = None if self._own is None else self._own.draw(train, noise)
        self._x, b = x, self._linear.b.value
        self._W = self._linear.W.value
        if self._rows is not None:
            self._W = self._taken("rows", self._W, self._rows, axis=0)
        if self._columns is not None:
            self._W, b = self._taken("W", self._W, self._columns, axis=1), b.take(self._columns)
        z = self._buffer("z", (len(x), len(b)), x.dtype)
        z[...] = b
        return matmul_into(x, self._W, z, beta=1)

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return z of all outputs; dropped inputs are 0."""
        return graph.apply(self._linear, x)

    def backward(self, dy: Array) -> Array:
        """Return dx of the kept inputs, (N, kept)."""
        self.gradients(dy)
        return matmul_into(dy, self._W.T, self._buffer("dx", self._x.shape, dy.dtype))

    def gradients(self, dy: Array) -> None:
        """Add dW and db; they are 0 for dropped rows and columns."""
        # Dropped columns are filled in dy, which is smaller than dW. Rows are contiguous, so dW takes them directly.
        W, b = self._linear.W, self._linear.b
        dz = dy if self._own is None else self._own.dense_output(dy)
        b.add_gradient(dz, first=True)
        W.add_gradient(self._x.T, dz, rows=self._rows, first=True)

    def fused_parameters(self) -> list[Parameter]:
        """Return the parameters of the linear map."""
        return self._linear.fused_parameters()

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters of the linear map."""
        return self._linear.parameters()

    def _taken(self, name: str, array: Array, kept: Array, axis: int) -> Array:
        """Return the kept rows or columns of a matrix."""
        shape = (len(kept), array.shape[1]) if axis == 0 else (len(array), len(kept))
        return np.take(array, kept, axis=axis, out=self._buffer(name, shape, array.dtype), mode="clip")

"""The bases of variants that multiply activations or the input by noise.

For y = a (.) noise, a variant draws the noise. The layer `NoisyActivation` keeps it, and has the forward and backward
pass for all such variants: dx = dy (.) noise. So no variant can have a wrong gradient. The noise can also act on the
distance from a center c, y = (a - c) (.) noise + d, with the same gradient.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from dropout_cli.core.field_types import Rate, Rates
from dropout_cli.core.registry import Choice
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.fast_passes import BatchParallel, DeferredPass
from dropout_cli.nn.operations import GraphValue, OperationGraph, UndescribedLayer, is_described
from dropout_cli.variants.toolkit.base import (
    MANY_STEPS,
    Location,
    Supports,
    Variant,
    all_rates,
    chain,
    check_rate_count,
    rate_of,
)
from dropout_cli.variants.toolkit.masks import fraction_dropped
from dropout_cli.variants.toolkit.rate_schedules import RATE_SCHEDULES, ConstantRate, RateSchedule
from dropout_cli.variants.toolkit.scheduled_rate import ScheduledRate


@dataclass(frozen=True, kw_only=True)
class HiddenActivationNoise(Variant):
    """Multiplicative noise on hidden activations."""

    RENAMED: ClassVar[Mapping[str, str]] = {"around": "center_offset", "drops": "counts_zeros"}

    rate: Rates = 0.5
    """The probability of dropping a hidden activation: one number, or one per hidden layer."""
    rate_schedule: Annotated[RateSchedule, Choice(RATE_SCHEDULES)] = ConstantRate()
    """How the rates change during training."""

    acts_on = "activations of hidden layers"
    supports: ClassVar[Supports] = "either"
    counts_zeros: ClassVar[bool] = True
    """True if zeros of the mask are counted in `realized_rate`."""

    @abstractmethod
    def draw(self, shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
        """Draw the multiplier of an activation.

        Args:
            shape: The shape of the activation.
            rate: The current rate.
            rng: The generator.
            dtype: The dtype of the multiplier.
            out: An array that may be filled and returned; its use is optional.

        Returns:
            An array that broadcasts to `shape`.
        """

    def describe_noise(self, graph: OperationGraph, x: GraphValue, rate: float) -> GraphValue:
        """Return the multiplier that `draw` draws, for `dropout export --noise`.

        Args:
            graph: The graph that collects the operations.
            x: The activation.
            rate: The current rate.

        Raises:
            UndescribedLayer: The variant does not say with which operations it draws.
        """
        raise UndescribedLayer("", f"the variant {type(self).__name__} has no method describe_noise")

    def kept_multiplier(self, rate: float) -> float | None:
        """Return the multiplier of a kept unit, if every unit is dropped independently.

        Args:
            rate: The probability of dropping a unit.

        Returns:
            The multiplier; None if the noise is of another kind.
        """
        return None

    def evaluation_scale(self, rate: float) -> float:
        """Return the factor of the activation at evaluation.

        Args:
            rate: The rate of the last training step.
        """
        return 1.0

    def center_offset(self, rate: float) -> tuple[float, float]:
        """Return center c and offset d of the affine noise y = (x - c) * noise + d."""
        return 0.0, 0.0

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return the unit with the noise after its activation."""
        return chain(
            location, linear, *between, activation, NoisyActivation(self, rate_of(self.rate, location.index), location)
        )

    def map(self, location: Location) -> Layer | None:
        """Return noise on feature maps, with its own draw for every example, pixel and channel."""
        return NoisyActivation(self, rate_of(self.rate, location.index), location)

    def noise_before_logits(self) -> bool:
        """Return True unless the rate of the last hidden layer is 0."""
        return self.rate_schedule.largest(rate_of(self.rate, -1), MANY_STEPS) > 0

    def rates(self) -> tuple[float, ...]:
        """Return the rates of the hidden layers."""
        return all_rates(self.rate)

    def schedule(self) -> RateSchedule:
        """Return `rate_schedule`."""
        return self.rate_schedule

    def check_network(self, *, hidden: int, activation: str) -> None:
        """Raise InvalidField if a list of rates does not have one per hidden layer."""
        check_rate_count(self.rate, hidden)


@dataclass(frozen=True, kw_only=True)
class ActivationNoise(HiddenActivationNoise):
    """Multiplicative noise on hidden activations and on the network's input."""

    input_rate: Rate = 0.0
    """The probability of dropping an element of the network's input."""

    acts_on = "activations of hidden layers, and the input"

    def rates(self) -> tuple[float, ...]:
        """Return the rates of the hidden layers and of the input."""
        return (*super().rates(), self.input_rate)

    def input(self, location: Location) -> Layer | None:
        """Return noise on the input with `input_rate`."""
        return NoisyActivation(self, self.input_rate, location)


class NoisyActivation(ScheduledRate, BatchParallel):
    """The noise y = (x - c) (.) noise + d; without noise, y = scale x."""

    releases_dx = True

    def __init__(self, variant: HiddenActivationNoise, rate: float, location: Location) -> None:
        """Make the noise of a location.

        Args:
            variant: The variant; its schedule changes the rate.
            rate: The rate of this location, before the schedule.
            location: The location in the network.
        """
        super().__init__(f"{location.path}/dropout")
        self._variant = variant
        self._drawn: Array | None = None
        self._follow(variant.rate_schedule, rate, location.steps)

    def plan_forward(self, x: Array, *, train: bool, noise: NoiseSource, may_overwrite: bool) -> DeferredPass:
        """Return the noisy x; x itself if nothing changes it."""
        self._multiplier: Array | float
        if train:
            self._drawn = None
        if noise is None or self.rate == 0:
            self._multiplier = self._variant.evaluation_scale(self.rate) if noise is None else 1.0
            return self._times("y", x, may_overwrite)
        # Columns are about the last training step, so a noisy evaluation must not overwrite the draws of that step.
        shape = noise.draw_shape(self.path, x.shape)
        out = self._buffer("multiplier" if train else "evaluation multiplier", shape, x.dtype)
        self._multiplier = self._variant.draw(shape, self.rate, noise[self.path], x.dtype, out)
        if train:
            self._drawn = self._multiplier
        center, offset = self._variant.center_offset(self.rate)
        if not center:
            return self._times("y", x, may_overwrite)
        y, multiplier = self._result_buffer("y", x, may_overwrite), self._multiplier
        if len(multiplier) != len(x):
            multiplier = np.broadcast_to(multiplier, x.shape)

        def affine(_: int, rows: slice) -> None:
            part = np.subtract(x[rows], center, out=y[rows])
            part *= multiplier[rows]
            part += offset

        return DeferredPass(y, affine)

    def kept_multiplier(self) -> float | None:
        """Return the multiplier of a kept unit; None unless every unit is dropped independently."""
        return self._variant.kept_multiplier(self.rate)

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return the noisy x, or x times the scale of the evaluation."""
        variant, rate = self._variant, self.rate
        if not graph.draws_noise or rate == 0:
            scale = 1.0 if graph.draws_noise else variant.evaluation_scale(rate)
            return x if scale == 1 else graph.elementwise("multiply", x, scale)
        if not is_described(type(variant), "describe_noise", "draw"):
            raise UndescribedLayer(self.path, f"the variant {type(variant).__name__} has no method describe_noise")
        center, offset = variant.center_offset(rate)
        if center:
            x = graph.elementwise("subtract", x, center)
        y = graph.elementwise("multiply", x, variant.describe_noise(graph, x, rate))
        return graph.elementwise("add", y, offset) if center else y

    def plan_backward(self, dy: Array, *, may_overwrite: bool) -> DeferredPass:
        """Return dy times the same multiplier."""
        return self._times("dx", dy, may_overwrite)

    def columns(self) -> dict[str, float]:
        """Return the current rate, and the fraction dropped in the last training step."""
        if self._stays_zero():
            return {}
        return self._rate_columns(self.path, fraction_dropped(self._drawn) if self._variant.counts_zeros else None)

    def _times(self, name: str, values: Array, may_overwrite: bool) -> DeferredPass:
        multiplier = self._multiplier
        if isinstance(multiplier, float):
            if multiplier == 1:
                return DeferredPass(values, None)
            multiplier = np.full((1,) * values.ndim, multiplier, values.dtype)
        if len(multiplier) != len(values):
            multiplier = np.broadcast_to(multiplier, values.shape)
        out = self._result_buffer(name, values, may_overwrite)
        return DeferredPass(out, lambda _, rows: np.multiply(values[rows], multiplier[rows], out=out[rows]))

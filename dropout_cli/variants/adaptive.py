"""Adaptive dropout: each layer adjusts its rate to keep its mean activation in a band.

    level        mean |a| over batch and units; a is the tensor to be dropped
    rate         level > high: rate = min(max_rate, rate + step);  level < low: rate = max(min_rate, rate - step)
    training     first the new rate, once per step; then y = m (.) a / q,  m ~ Bernoulli(q),  q = 1 - rate
    evaluation   y = a

The rule is a heuristic from teaching material, not from a paper. Rate and level are constants for the gradient. The
rate is saved with the weights, and does not change in evaluation and Monte Carlo passes.

When to use: to see what a rate that follows a rule does, for example in a lesson. For results, use `inverted` with a
rate that you have compared with others, or learn the rates with `concrete`.

Notes: the rule depends on the scale of the data. The rate moves in one direction for as long as the level is outside
the band. With standardized inputs and dropout on the input too, it rises to max_rate and training collapses.
Therefore only hidden layers drop by default (see `input_rate`), and a rate that ends at max_rate gives a warning. A
step changes the rate by .01, so with the defaults a bound is at least 40 steps away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dropout_cli.core.errors import InvalidField
from dropout_cli.core.field_types import NonNegative, Positive, Rate, Rates
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.toolkit.activation_noise import NoisyActivation
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Supports, Variant, chain, check_rate_count, rate_of
from dropout_cli.variants.toolkit.example import VariantExample


@VARIANTS.register("adaptive")
@dataclass(frozen=True, kw_only=True)
class Adaptive(Variant):
    """Adapts the rate to the mean activation of each layer (a heuristic)."""

    rate: Rates = 0.5
    """The probability of dropping at the start: one number, or one per hidden layer."""
    high: Positive = 0.7
    """The rate rises while the mean activation is above this."""
    low: NonNegative = 0.3
    """The rate falls while the mean activation is below this."""
    step: Positive = 0.01
    """The change of the rate per training step."""
    min_rate: Rate = 0.1
    """The lowest rate."""
    max_rate: Rate = 0.9
    """The highest rate."""
    input_rate: Rate | None = None
    """The rate of the network's input at the start, which then also adapts. null: no noise on the input."""

    acts_on = "activations of hidden layers, and the input if input_rate is set"
    supports: ClassVar[Supports] = "either"
    learns = "a rate per layer, by a rule"
    paper = "none (a heuristic from teaching material)"
    example = VariantExample(
        numpy="""
rate = 0.5  # at the start
level = np.abs(x).mean()
if level > 0.7:
    rate = min(0.9, rate + 0.01)
elif level < 0.3:
    rate = max(0.1, rate - 0.01)
q = 1 - rate
m = rng.random(x.shape) < q  # True: kept
y = m * x / q
""",
        evaluation="Nothing is dropped or scaled, and the rate does not change: y = x.",
        noise="multiplier m / q",
    )

    def __post_init__(self) -> None:
        """Raise InvalidField if band, bounds and start contradict each other."""
        if self.low > self.high:
            raise InvalidField("low", f"{self.low:g} is above high, {self.high:g}")
        if self.min_rate > self.max_rate:
            raise InvalidField("min_rate", f"{self.min_rate:g} is above max_rate, {self.max_rate:g}")
        rates = self.rate if isinstance(self.rate, tuple) else (self.rate,)
        starts = [("rate", rate) for rate in rates] + [("input_rate", self.input_rate)]
        for key, start in starts:
            if start is not None and not self.min_rate <= start <= self.max_rate:
                raise InvalidField(
                    key, f"must be between min_rate ({self.min_rate:g}) and max_rate ({self.max_rate:g})"
                )

    def input(self, location: Location) -> Layer | None:
        """Return noise on the input if `input_rate` is set, else None."""
        return None if self.input_rate is None else AdaptiveNoise(self, self.input_rate, location)

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return the unit with the noise after its activation."""
        return chain(
            location, linear, *between, activation, AdaptiveNoise(self, rate_of(self.rate, location.index), location)
        )

    def map(self, location: Location) -> Layer | None:
        """Return noise per pixel, with a rate of its own for each location."""
        return AdaptiveNoise(self, rate_of(self.rate, location.index), location)

    def rates(self) -> tuple[float, ...]:
        """Return the largest rate that it can adapt to."""
        return (self.max_rate,)

    def check_network(self, *, hidden: int, activation: str) -> None:
        """Raise InvalidField if a list of rates does not have one per hidden layer."""
        check_rate_count(self.rate, hidden)


class AdaptiveNoise(Layer):
    """Inverted dropout whose rate follows the rule while training and noise are both on."""

    is_dropout = True

    def __init__(self, variant: Adaptive, rate: float, location: Location) -> None:
        """Start with a rate.

        Args:
            variant: The variant, with the band and the bounds.
            rate: The rate at the start.
            location: The location in the network.
        """
        super().__init__(f"{location.path}/dropout")
        self._variant = variant
        self._rate = np.array([rate])
        self._noisy = NoisyActivation(Inverted(rate=rate), rate, location)

    def draws(self) -> bool:
        """Return True unless the rate can only be 0."""
        return self._variant.max_rate > 0

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return m (.) x / q; in training, the rule changes the rate first."""
        if train and noise is not None:
            self._adapt(float(np.abs(x).mean()))
        self._noisy.rate = float(self._rate[0])
        return self._noisy.forward(x, train=train, noise=noise)

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return x, or m (.) x / q at the adapted rate."""
        self._noisy.rate = float(self._rate[0])
        return graph.apply(self._noisy, x)

    def _adapt(self, level: float) -> None:
        variant = self._variant
        if level > variant.high:
            self._rate[0] = min(variant.max_rate, self._rate[0] + variant.step)
        elif level < variant.low:
            self._rate[0] = max(variant.min_rate, self._rate[0] - variant.step)

    def backward(self, dy: Array) -> Array:
        """Return dx = dy (.) m / q."""
        return self._noisy.backward(dy)

    def state(self) -> dict[str, Array]:
        """Return the rate, which is saved with the weights."""
        return {f"{self.path}/rate": self._rate}

    def columns(self) -> dict[str, float]:
        """Return the current rate, and the fraction dropped in the last training step."""
        self._noisy.rate = float(self._rate[0])
        return self._noisy.columns()

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return the column of the learned rate, which is a rate already."""
        return {f"{self.path}/rate": float}

    def warnings(self) -> list[str]:
        """Return a warning if the rate ended at its upper bound."""
        if self._rate[0] < self._variant.max_rate:
            return []
        return [
            f"{self.path}: the adaptive rate ended at max_rate, {self._variant.max_rate:g}. Its rule depends on the "
            "scale of the activations: raise dropout.high, lower dropout.max_rate, or set dataset.scaling: unit."
        ]

"""Adaptive dropout: each place moves its rate to hold the level of its activations within a band.

    level        mean |a| over batch and units, a = the tensor about to be dropped
    the rule     level > high: rate = min(max_rate, rate + step);  level < low: rate = max(min_rate, rate - step)
    training     the rule once per step, then y = m (.) a / q with m ~ Bernoulli(q), q = 1 - rate
    evaluation   y = a

The rule is a heuristic from teaching material, not from a paper. Rate and level are constants for the
gradient. The rate is state: it is saved with the weights, and it rests in evaluation and Monte Carlo.

Traps: the rule hangs on the scale of the data, and the rate moves in one direction for as long as the level
stays outside the band. With standardized inputs that drop too, it rises to max_rate and training collapses;
hence hidden places only, unless `input_rate` is set, and a warning where a rate ends at max_rate. A step changes the
rate by .01, so a bound is at least 40 steps away.
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
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.toolkit.activation_noise import NoisyActivation
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Supports, Variant, chain, check_rate_count, rate_of


@VARIANTS.register("adaptive")
@dataclass(frozen=True, kw_only=True)
class Adaptive(Variant):
    """The rate follows the level of the activations; a heuristic."""

    rate: Rates = 0.5
    """The probability of dropping at the start: one number, or one per hidden layer."""
    high: Positive = 0.7
    """Above this level the rate rises."""
    low: NonNegative = 0.3
    """Below this level the rate falls."""
    step: Positive = 0.01
    """How far the rate moves in one training step."""
    min_rate: Rate = 0.1
    """The rate never falls below this."""
    max_rate: Rate = 0.9
    """The rate never rises above this."""
    input_rate: Rate | None = None
    """The same at the start for the network's input, which then adapts too; null: no noise there."""

    acts_on = "activations of hidden layers, and the input if asked to"
    supports: ClassVar[Supports] = "either"
    learns = "a rate per place, by a rule"
    paper = "none: a heuristic of teaching material"

    def __post_init__(self) -> None:
        """Raise InvalidField where band, bounds and start contradict each other."""
        if self.low > self.high:
            raise InvalidField("low", f"{self.low:g} is above high, {self.high:g}")
        if self.min_rate > self.max_rate:
            raise InvalidField("min_rate", f"{self.min_rate:g} is above max_rate, {self.max_rate:g}")
        rates = self.rate if isinstance(self.rate, tuple) else (self.rate,)
        starts = [("rate", rate) for rate in rates] + [("input_rate", self.input_rate)]
        for key, start in starts:
            if start is not None and not self.min_rate <= start <= self.max_rate:
                raise InvalidField(key, f"must lie from min_rate to max_rate, {self.min_rate:g} to {self.max_rate:g}")

    def input(self, location: Location) -> Layer | None:
        """Noise there only where `input_rate` is set."""
        return None if self.input_rate is None else AdaptiveNoise(self, self.input_rate, location)

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """The unit as it is, with the noise after its activation."""
        return chain(
            location, linear, *between, activation, AdaptiveNoise(self, rate_of(self.rate, location.index), location)
        )

    def map(self, location: Location) -> Layer | None:
        """The noise, pixel by pixel, at a rate of the place's own."""
        return AdaptiveNoise(self, rate_of(self.rate, location.index), location)

    def rates(self) -> tuple[float, ...]:
        """The largest rate that it can adapt to."""
        return (self.max_rate,)

    def check_network(self, *, hidden: int, activation: str) -> None:
        """A list of rates must have one for each hidden layer."""
        check_rate_count(self.rate, hidden)


class AdaptiveNoise(Layer):
    """Inverted dropout at a rate that moves by the rule, where both training and noise are on."""

    is_dropout = True

    def __init__(self, variant: Adaptive, rate: float, location: Location) -> None:
        """`rate`: that of the start."""
        super().__init__(f"{location.path}/dropout")
        self._variant = variant
        self._rate = np.array([rate])
        self._noisy = NoisyActivation(Inverted(rate=rate), rate, location)

    def draws(self) -> bool:
        """It draws unless the rate can only be 0."""
        return self._variant.max_rate > 0

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return m (.) x / q, after the rule has moved the rate."""
        if train and noise is not None:
            self._adapt(float(np.abs(x).mean()))
        self._noisy.rate = float(self._rate[0])
        return self._noisy.forward(x, train=train, noise=noise)

    def _adapt(self, level: float) -> None:
        variant = self._variant
        if level > variant.high:
            self._rate[0] = min(variant.max_rate, self._rate[0] + variant.step)
        elif level < variant.low:
            self._rate[0] = max(variant.min_rate, self._rate[0] - variant.step)

    def backward(self, dy: Array) -> Array:
        """dx = dy (.) m / q."""
        return self._noisy.backward(dy)

    def state(self) -> dict[str, Array]:
        """The rate."""
        return {f"{self.path}/rate": self._rate}

    def columns(self) -> dict[str, float]:
        """The rate in force, and the share that was dropped in the last training step."""
        self._noisy.rate = float(self._rate[0])
        return self._noisy.columns()

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return the rate, as it is."""
        return {f"{self.path}/rate": float}

    def warnings(self) -> list[str]:
        """A rate that sits at its upper bound mostly drops what the network needs."""
        if self._rate[0] < self._variant.max_rate:
            return []
        return [
            f"{self.path}: the adaptive rate ended at max_rate, {self._variant.max_rate:g}. Its rule depends on the "
            "scale of the activations: raise dropout.high, lower dropout.max_rate, or set dataset.scaling: unit."
        ]

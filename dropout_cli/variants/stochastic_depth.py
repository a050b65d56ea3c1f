"""Stochastic depth: skips whole residual blocks; later blocks are skipped more often.

    training     y = skip + (m / p_l) branch    m ~ Bernoulli(p_l)
                 p_l = 1 - (l / L) r for block l = 1 .. L,  r = rate
    evaluation   y = skip + branch

The gradient of the skip is dy, and that of the branch is dy m / p_l. With `per: example` each example has its own m.
With `per: batch`, as in the paper, a batch has one m, and a skipped block is not computed. The paper scales at test
time instead: y = skip + p_l branch.

Huang, Sun, Liu, Sedra, Weinberger 2016, arXiv:1603.09382. The last block survives with probability .5.

When to use: in deep residual networks; the paper trains up to 1202 layers. With `per: batch` the training is also
shorter. In a network without residual blocks, use `inverted` or `spatial`.

Notes: `rate` is that of the LAST block; the first of L blocks has rate r / L. The variant needs residual blocks
(`architecture: resnet`). `per: example` saves no time. With `per: batch` the batch normalization of a skipped block
learns nothing from that batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from dropout_cli.core.field_types import Rate
from dropout_cli.core.registry import Choice
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.residual import Residual
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Supports, Variant, chain
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.masks import bernoulli, describe_scaled_bernoulli, fraction_dropped, keep_probability
from dropout_cli.variants.toolkit.rate_schedules import RATE_SCHEDULES, ConstantRate, RateSchedule
from dropout_cli.variants.toolkit.scheduled_rate import ScheduledRate


@VARIANTS.register("stochastic_depth")
@dataclass(frozen=True, kw_only=True)
class StochasticDepth(Variant):
    """Skips whole residual blocks."""

    rate: Rate = 0.5
    """The probability of skipping the last block. Block l of L is skipped with l / L of this probability."""
    per: Literal["example", "batch"] = "example"
    """Whether each example or each batch draws its own blocks."""
    rate_schedule: Annotated[RateSchedule, Choice(RATE_SCHEDULES)] = ConstantRate()
    """How the rates change during training."""

    acts_on = "residual blocks"
    paper = "Huang et al. 2016, arXiv:1603.09382"
    supports: ClassVar[Supports] = "blocks"
    example = VariantExample(
        numpy="""
p = 1 - 0.5  # the last block survives with probability 1 - rate
branch = x  # here the branch is the identity
m = rng.random((len(x), 1)) < p  # one draw per example
y = x + m / p * branch
""",
        evaluation="Every block is computed, and nothing is scaled: y = skip + branch.",
        noise="multiplier 1 + m / p",
    )

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return a dense unit without noise."""
        return chain(location, linear, *between, activation)

    def block(self, branch: Layer, skip: Layer | None, location: Location) -> Layer:
        """Return a block that may be skipped, at l / L of the rate."""
        return UncertainBlock(self, branch, skip, self.rate * (location.index + 1) / location.count, location)

    def noise_before_logits(self) -> bool:
        """Return True unless the rate is 0: the last block feeds the output layer."""
        return not self.is_silent()

    def rates(self) -> tuple[float, ...]:
        """Return the rate of the last block."""
        return (self.rate,)

    def schedule(self) -> RateSchedule:
        """Return `rate_schedule`."""
        return self.rate_schedule

    def draws_for_every_row(self) -> bool:
        """Return True if each example draws its own blocks."""
        return self.per == "example"


class UncertainBlock(ScheduledRate, Residual):
    """A block y = skip(x) + (m / p) branch(x); without noise, y = skip(x) + branch(x)."""

    def __init__(
        self, variant: StochasticDepth, branch: Layer, skip: Layer | None, rate: float, location: Location
    ) -> None:
        """Make a block.

        Args:
            variant: The variant; its schedule changes the rate.
            branch: The layers of the branch.
            skip: The layer of the skip; None: the input itself.
            rate: The rate of this block, before the schedule.
            location: The location in the network.
        """
        super().__init__(location.path, branch, skip)
        self._variant = variant
        self._noise_path = f"{location.path}/dropout"
        self._drawn: Array | None = None
        self._follow(variant.rate_schedule, rate, location.steps)

    def draws(self) -> bool:
        """Return True if the current rate is not 0, or a layer inside draws."""
        return ScheduledRate.draws(self) or Residual.draws(self)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return skip(x) + (m / p) branch(x); a branch that all examples skip is not computed."""
        self._multiplier: Array | None = None
        if noise is not None and self.rate:
            rows = len(x) if self._variant.per == "example" else 1
            shape = noise.draw_shape(self._noise_path, (rows, *(1 for _ in x.shape[1:])))
            kept = bernoulli(shape, self.rate, noise[self._noise_path])
            self._multiplier = kept * x.dtype.type(1 / keep_probability(self.rate))
        if train:
            self._drawn = self._multiplier
        past = x if self.skip is None else self.skip.forward(x, train=train, noise=noise)
        self._left_out = self._multiplier is not None and not self._multiplier.any()
        if self._left_out:
            return past
        added = self.branch.forward(x, train=train, noise=noise)
        y = self._buffer("y", added.shape, added.dtype)
        if self._multiplier is None:
            return np.add(past, added, out=y)
        np.multiply(added, self._multiplier, out=y)
        y += past
        return y

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return skip(x) + branch(x), with m / p before the branch if noise is on."""
        if not graph.draws_noise or not self.rate:
            return super().describe(graph, x)
        branch, shape = graph.apply(self.branch, x), (1,) * len(x.shape)
        multiplier = describe_scaled_bernoulli(graph, x, shape, self.rate, per_example=self._variant.per == "example")
        past = x if self.skip is None else graph.apply(self.skip, x)
        return graph.elementwise("add", graph.elementwise("multiply", branch, multiplier), past)

    def backward(self, dy: Array) -> Array:
        """Return dx: dy through the skip plus dy m / p through the branch."""
        past = dy if self.skip is None else self.skip.backward(dy)
        if self._left_out:
            for parameter in self.branch.parameters().values():
                parameter.add_gradient(0.0, first=True)
            return past
        added = dy
        if self._multiplier is not None:
            added = np.multiply(dy, self._multiplier, out=self._buffer("added", dy.shape, dy.dtype))
        through = self.branch.backward(added)
        return np.add(past, through, out=self._buffer("dx", through.shape, through.dtype))

    def columns(self) -> dict[str, float]:
        """Return the current rate, and the fraction skipped in the last training step."""
        return super().columns() | self._rate_columns(self._noise_path, fraction_dropped(self._drawn))

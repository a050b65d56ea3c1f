"""Stochastic depth: whole residual blocks are left out, the later the more often.

    training     y = skip + (m / p_l) branch    m ~ Bernoulli(p_l), p_l = 1 - (l / L) r for block l = 1 .. L
    evaluation   y = skip + branch

The gradient goes to the skip as it is, and to the branch times m / p_l. With `per: example` each example draws its own
m; with `per: batch`, as in the paper, a mini-batch draws one, and a block that is left out is not computed at all.
The paper scales at test time instead, y = skip + p_l branch.

Huang, Sun, Liu, Sedra, Weinberger 2016, arXiv:1603.09382, with a survival of .5 for the last block.

Traps: `rate` is that of the LAST block; the first of L has rate r / L. It needs residual blocks (`architecture:
resnet`). With `per: example` nothing is saved; with `per: batch` batch normalization of a block that is left out learns
nothing of that batch.
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
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Supports, Variant, chain
from dropout_cli.variants.toolkit.masks import bernoulli, fraction_dropped, keep_probability
from dropout_cli.variants.toolkit.rate_schedules import RATE_SCHEDULES, ConstantRate, RateSchedule
from dropout_cli.variants.toolkit.scheduled_rate import ScheduledRate


@VARIANTS.register("stochastic_depth")
@dataclass(frozen=True, kw_only=True)
class StochasticDepth(Variant):
    """Leaves out whole residual blocks."""

    rate: Rate = 0.5
    """Probability of leaving out the last block; block l of L has l / L of it."""
    per: Literal["example", "batch"] = "example"
    """Whether every example draws its own blocks, or a whole batch the same."""
    rate_schedule: Annotated[RateSchedule, Choice(RATE_SCHEDULES)] = ConstantRate()
    """How the rates move over training."""

    acts_on = "residual blocks"
    paper = "Huang et al. 2016, arXiv:1603.09382"
    supports: ClassVar[Supports] = "blocks"

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """A dense unit as it is."""
        return chain(location, linear, *between, activation)

    def block(self, branch: Layer, skip: Layer | None, location: Location) -> Layer:
        """A block that may be left out, at l / L of the rate."""
        return UncertainBlock(self, branch, skip, self.rate * (location.index + 1) / location.count, location)

    def noise_before_logits(self) -> bool:
        """The last block is."""
        return not self.is_silent()

    def rates(self) -> tuple[float, ...]:
        """The rate of the last block."""
        return (self.rate,)

    def schedule(self) -> RateSchedule:
        """`rate_schedule`."""
        return self.rate_schedule

    def draws_for_every_row(self) -> bool:
        """Examples draw their own unless a batch draws one for all."""
        return self.per == "example"


class UncertainBlock(ScheduledRate, Residual):
    """y = skip(x) + (m / p) branch(x) with noise, skip(x) + branch(x) without."""

    def __init__(
        self, variant: StochasticDepth, branch: Layer, skip: Layer | None, rate: float, location: Location
    ) -> None:
        """`rate`: the block's own."""
        super().__init__(location.path, branch, skip)
        self._variant = variant
        self._noise_path = f"{location.path}/dropout"
        self._drawn: Array | None = None
        self._follow(variant.rate_schedule, rate, location.steps)

    def draws(self) -> bool:
        """It draws where the rate in force is not 0, or a part draws."""
        return ScheduledRate.draws(self) or Residual.draws(self)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return skip(x), and what of branch(x) survives."""
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

    def backward(self, dy: Array) -> Array:
        """dy to the skip, dy m / p to the branch; nothing learned in a branch that was left out."""
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
        """The rate in force, and the share that was left out in the last training step."""
        return super().columns() | self._rate_columns(self._noise_path, fraction_dropped(self._drawn))

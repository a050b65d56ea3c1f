"""DropConnect: every weight and bias has a mask of its own, for every example.

    training     z_n = (x_n (M_n (.) W) + mb_n (.) b) / q     M_n, mb_n ~ Bernoulli(q), q = 1 - rate
    by moments   z = mu + sqrt(v) eps,  mu = x W + b,  v = (r / q)((x^2)(W^2) + b^2) + 1e-8
    evaluation   `sample`: per layer, the activation averaged over draws of z, eps the same for every example;
                 `mean`: z = x W + b

On the layers that feed hidden units, not on the one that makes the logits. Exact masks cost a mask per
weight and example, so training draws z from the normal distribution with the same moments (weight_noise)
unless `masks: exact`. Averaging activations is not the same as taking the activation of the average:
E relu(N(.2, 1)) = .51 and relu(.2) = .2.

Wan, Zeiler, Zhang, LeCun, Fergus 2013, "Regularization of neural networks using DropConnect", ICML.
Their form is the classic one, without the division by q; theirs is also the sampling at evaluation.

Traps: in this form the variance of z carries r / q, not q r; forgetting the bias's part biases the moments. One mask
for a whole batch regularizes too little. `inference: sample` samples at every validation too, and takes longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from dropout_cli.core.field_types import Count, Rates
from dropout_cli.core.registry import Choice
from dropout_cli.core.rng import Generator, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Variant, all_rates, chain, check_rate_count, rate_of
from dropout_cli.variants.toolkit.gaussian_linear import GaussianLinear
from dropout_cli.variants.toolkit.masks import bernoulli, fraction_dropped, keep_probability
from dropout_cli.variants.toolkit.rate_schedules import RATE_SCHEDULES, ConstantRate, RateSchedule
from dropout_cli.variants.toolkit.scheduled_rate import ScheduledRate


@VARIANTS.register("dropconnect")
@dataclass(frozen=True, kw_only=True)
class DropConnect(Variant):
    """Weights and biases are dropped instead of activations."""

    rate: Rates = 0.5
    """Probability of dropping a weight into a hidden layer: one number, or one per hidden layer."""
    masks: Literal["moments", "exact"] = "moments"
    """Draw z from the normal distribution with the same moments, or draw every mask (slow, for small layers)."""
    inference: Literal["mean", "sample"] = "mean"
    """At evaluation the mean weights, or activations averaged over `samples` draws per layer (the paper's)."""
    samples: Count = 100
    """How many draws `inference: sample` averages."""
    rate_schedule: Annotated[RateSchedule, Choice(RATE_SCHEDULES)] = ConstantRate()
    """How the rates move over training."""

    acts_on = "weights and biases of the layers that feed hidden units"
    paper = "Wan et al. 2013, ICML"

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """The linear map is replaced; for sampled inference the unit averages over its activation."""
        rate = rate_of(self.rate, location.index)
        noisy = GaussianDropConnect(self, linear, rate, location)
        trained = MaskedLinear(self, linear, rate, location) if self.masks == "exact" else noisy
        unit = chain(location, trained, *between, activation)
        if self.inference == "mean":
            return unit
        return SampledUnit(unit, noisy, [*between, activation], samples=self.samples, seed=location.seed)

    def noise_before_logits(self) -> bool:
        """The weights that make the logits are left alone."""
        return False

    def rates(self) -> tuple[float, ...]:
        """The rates of the hidden layers."""
        return all_rates(self.rate)

    def schedule(self) -> RateSchedule:
        """`rate_schedule`."""
        return self.rate_schedule

    def check_network(self, *, hidden: int, activation: str) -> None:
        """A list of rates must have one for each hidden layer."""
        check_rate_count(self.rate, hidden)


class GaussianDropConnect(ScheduledRate, GaussianLinear):
    """V = (r / q) W^2, v_b = (r / q) b^2; r / q is the factor."""

    def __init__(self, variant: DropConnect, linear: Dense, rate: float, location: Location) -> None:
        """`rate`: the location's own; the rate in force follows the variant's schedule from it."""
        super().__init__(linear, location)
        self._follow(variant.rate_schedule, rate, location.steps)

    def set_step(self, step: int) -> None:
        """Set the rate in force, and the factor that follows from it."""
        super().set_step(step)
        q = keep_probability(self.rate)
        self.factor = (1 - q) / q

    def variances(self) -> tuple[Array, Array | float]:
        """The squares of weights and biases."""
        W, b = self.linear.W.value, self.linear.b.value
        return np.multiply(W, W, out=self._buffer("V", W.shape, W.dtype)), b * b

    def add_variance_gradients(self, dV: Array, dv_b: Array) -> None:
        """dW += 2 W (.) dV, db += 2 b (.) dv_b."""
        W, b = self.linear.W, self.linear.b
        dV *= W.value
        W.add_gradient(dV, factor=2.0)
        b.add_gradient(dv_b, factor=2 * b.value)

    def fused_parameters(self) -> list[Parameter]:
        """Those of the linear map."""
        return self.linear.fused_parameters()

    def columns(self) -> dict[str, float]:
        """The rate in force."""
        return self._rate_columns(self.path)


class MaskedLinear(ScheduledRate):
    """z_n = (x_n (M_n (.) W) + mb_n (.) b) / q, every mask drawn."""

    def __init__(self, variant: DropConnect, linear: Dense, rate: float, location: Location) -> None:
        """`rate`: the location's own; the rate in force follows the variant's schedule from it."""
        super().__init__(f"{location.path}/dropout")
        self._linear = linear
        self._drawn: Array | None = None
        self._follow(variant.rate_schedule, rate, location.steps)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return z, (N, out)."""
        self._noisy = noise is not None and not noise.shared and (train or self.rate > 0)
        if noise is None or (self.rate == 0 and not train):
            return self._linear.forward(x)
        if noise.shared:
            W, b = noise.draw_once(self.path, self._masked)
            return np.asarray(x @ W + b)
        W, b = self._linear.W.value, self._linear.b.value
        scale = x.dtype.type(1 / keep_probability(self.rate))
        kept = bernoulli((len(x), W.shape[0] + 1, W.shape[1]), self.rate, noise[self.path])
        if train:
            self._drawn = kept
        self._masks = np.multiply(kept[:, :-1], scale, dtype=x.dtype)  # (N, in, out)
        self._bias_masks = np.multiply(kept[:, -1], scale, dtype=x.dtype)  # (N, out)
        self._x = x
        return np.asarray(np.einsum("ni,nio,io->no", x, self._masks, W, optimize=True) + self._bias_masks * b)

    def _masked(self, rng: Generator) -> tuple[Array, ...]:
        """Draw weights and biases under one mask for all examples, divided by q."""
        W, b = self._linear.W.value, self._linear.b.value
        kept = bernoulli((W.shape[0] + 1, W.shape[1]), self.rate, rng)
        scale = W.dtype.type(1 / keep_probability(self.rate))
        return kept[:-1] * scale * W, kept[-1] * scale * b

    def backward(self, dy: Array) -> Array:
        """dx_n = dy_n (M_n (.) W)' / q."""
        if not self._noisy:
            return self._linear.backward(dy)
        self.gradients(dy)
        return np.asarray(np.einsum("no,nio,io->ni", dy, self._masks, self._linear.W.value, optimize=True))

    def gradients(self, dy: Array) -> None:
        """dW = sum_n (x_n' dy_n) (.) M_n / q, db = sum_n dy_n (.) mb_n / q."""
        if not self._noisy:
            self._linear.gradients(dy)
            return
        dW = np.einsum("ni,no,nio->io", self._x, dy, self._masks, optimize=True)
        self._linear.W.add_gradient(np.asarray(dW), first=True)
        self._linear.b.add_gradient((dy * self._bias_masks).sum(axis=0), first=True)

    def parameters(self) -> dict[str, Parameter]:
        """Those of the linear map."""
        return self._linear.parameters()

    def columns(self) -> dict[str, float]:
        """The rate in force, and the share of weights and biases dropped in the last training step."""
        return self._rate_columns(self.path, fraction_dropped(self._drawn))


class SampledUnit(Sequential):
    """The unit itself with noise; without noise, its activation averaged over draws of z from the run's own stream."""

    def __init__(
        self, unit: Sequential, noisy: GaussianLinear, above: Sequence[Layer], *, samples: int, seed: int
    ) -> None:
        """`noisy` gives the moments of z, `above` is what follows the linear map; `seed` is that of the run."""
        super().__init__(unit.path, unit.layers)
        self._noisy_linear, self._above, self._samples, self._seed = noisy, above, samples, seed

    def set_step(self, step: int) -> None:
        """Tell the linear map that evaluation draws from too: with exact masks it is not the one that trains."""
        super().set_step(step)
        self._noisy_linear.set_step(step)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the activation, or its average.

        A unit's draws of eps are the same for every example, so that what is said of one does not depend on its place
        in the batch. They are correlated between examples then, of which only the average over the draws remains.
        """
        if noise is not None:
            return super().forward(x, train=train, noise=noise)
        mu, sd = self._noisy_linear.moments(x)
        if self._noisy_linear.factor == 0:
            sd[...] = 0
        rng = stream(self._seed, f"inference:{self.path}")
        total = np.zeros_like(mu)
        for _ in range(self._samples):
            a = sd * rng.standard_normal(mu.shape[1], dtype=mu.dtype.type)
            a += mu
            for layer in self._above:
                a = layer.forward(a)
            total += a
        total /= self._samples
        return total

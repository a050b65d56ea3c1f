"""DropConnect: drops single weights and biases, with separate masks for each example.

    training     z_n = (x_n (M_n (.) W) + mb_n (.) b) / q     M_n, mb_n ~ Bernoulli(q),  q = 1 - r,  r = rate
    by moments   z = mu + sqrt(v) eps,  mu = x W + b,  v = (r / q)((x^2)(W^2) + b^2) + 1e-8,  eps ~ N(0, 1)
    evaluation   `mean`: z = x W + b
                 `sample`: the mean of the activation over several draws of z, for each layer

The noise is on the layers that feed hidden units, not on the output layer. Exact masks need one mask per weight and
example. So by default (`masks: moments`) training draws z from the normal distribution with the same mean and
variance. `sample` uses the same eps for every example. The mean of activations is not the activation of the mean:
E relu(N(.2, 1)) = .51, but relu(.2) = .2.

Wan, Zeiler, Zhang, LeCun, Fergus 2013, "Regularization of neural networks using DropConnect", ICML. The paper does
not divide by q, and samples at evaluation.

When to use: in dense layers, to compare noise on weights with noise on activations. The paper uses it in dense layers,
also in those after convolutions. `inverted` has fewer settings, so try it first.

Notes: with the division by q the variance of z has the factor r / q, not q r. The bias is part of the variance. One
mask for a whole batch regularizes too little. `inference: sample` also samples at every validation, which is slower.
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
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Variant, all_rates, chain, check_rate_count, rate_of
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.gaussian_linear import GaussianLinear
from dropout_cli.variants.toolkit.masks import bernoulli, fraction_dropped, keep_probability
from dropout_cli.variants.toolkit.rate_schedules import RATE_SCHEDULES, ConstantRate, RateSchedule
from dropout_cli.variants.toolkit.scheduled_rate import ScheduledRate


@VARIANTS.register("dropconnect")
@dataclass(frozen=True, kw_only=True)
class DropConnect(Variant):
    """Drops weights and biases instead of activations."""

    rate: Rates = 0.5
    """The probability of dropping a weight of a hidden layer: one number, or one per hidden layer."""
    masks: Literal["moments", "exact"] = "moments"
    """moments: draws z from a normal distribution with the same mean and variance. exact: draws every mask (slow)."""
    inference: Literal["mean", "sample"] = "mean"
    """mean: evaluates with the mean weights. sample: averages activations over several draws, as in the paper."""
    samples: Count = 100
    """The number of draws per layer for `inference: sample`."""
    rate_schedule: Annotated[RateSchedule, Choice(RATE_SCHEDULES)] = ConstantRate()
    """How the rates change during training."""

    acts_on = "weights and biases of the layers that feed hidden units"
    paper = "Wan et al. 2013, ICML"
    example = VariantExample(
        numpy="""
q = 1 - 0.5  # the probability of keeping a weight
W = np.array([[0.5], [-0.5], [1.0], [-1.0], [0.25], [-0.25]])  # 6 inputs, 1 output
b = np.array([0.0])
M = rng.random((len(x), *W.shape)) < q  # a mask of the weights for each example
mb = rng.random((len(x), 1)) < q
y = (np.einsum("ni,nio->no", x, M * W) + mb * b) / q
""",
        evaluation=(
            "No weight is dropped. With inference: mean, z = x W + b. With inference: sample, the "
            "activation is averaged over draws of z with the mean and variance of training."
        ),
        noise="weights M W / q of each example",
        shows="weights",
        settings={"masks": "exact"},
    )

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return the unit with a noisy linear map; `inference: sample` averages its activation."""
        rate = rate_of(self.rate, location.index)
        noisy = GaussianDropConnect(self, linear, rate, location)
        trained = MaskedLinear(self, linear, rate, location) if self.masks == "exact" else noisy
        unit = chain(location, trained, *between, activation)
        if self.inference == "mean":
            return unit
        return SampledUnit(unit, noisy, [*between, activation], samples=self.samples, seed=location.seed)

    def noise_before_logits(self) -> bool:
        """Return False: the weights of the output layer have no noise."""
        return False

    def rates(self) -> tuple[float, ...]:
        """Return the rates of the hidden layers."""
        return all_rates(self.rate)

    def schedule(self) -> RateSchedule:
        """Return `rate_schedule`."""
        return self.rate_schedule

    def check_network(self, *, hidden: int, activation: str) -> None:
        """Raise InvalidField if a list of rates does not have one per hidden layer."""
        check_rate_count(self.rate, hidden)


class GaussianDropConnect(ScheduledRate, GaussianLinear):
    """A linear map with the variances V = (r / q) W^2 and v_b = (r / q) b^2."""

    def __init__(self, variant: DropConnect, linear: Dense, rate: float, location: Location) -> None:
        """Wrap a linear map, which keeps the names of its parameters.

        Args:
            variant: The variant; its schedule changes the rate.
            linear: The linear map.
            rate: The rate of this location, before the schedule.
            location: The location in the network.
        """
        super().__init__(linear, location)
        self._follow(variant.rate_schedule, rate, location.steps)

    def set_step(self, step: int) -> None:
        """Set the current rate, and the factor r / q of the variances."""
        super().set_step(step)
        q = keep_probability(self.rate)
        self.factor = (1 - q) / q

    def variances(self) -> tuple[Array, Array | float]:
        """Return the squares of weights and biases; `factor` is r / q."""
        W, b = self.linear.W.value, self.linear.b.value
        return np.multiply(W, W, out=self._buffer("V", W.shape, W.dtype)), b * b

    def add_variance_gradients(self, dV: Array, dv_b: Array) -> None:
        """Add 2 W (.) dV to dW, and 2 b (.) dv_b to db."""
        W, b = self.linear.W, self.linear.b
        dV *= W.value
        W.add_gradient(dV, factor=2.0)
        b.add_gradient(dv_b, factor=2 * b.value)

    def fused_parameters(self) -> list[Parameter]:
        """Return the parameters of the linear map."""
        return self.linear.fused_parameters()

    def columns(self) -> dict[str, float]:
        """Return the current rate."""
        return self._rate_columns(self.path)


class MaskedLinear(ScheduledRate):
    """A linear map with exact masks: z_n = (x_n (M_n (.) W) + mb_n (.) b) / q."""

    def __init__(self, variant: DropConnect, linear: Dense, rate: float, location: Location) -> None:
        """Wrap a linear map, which keeps the names of its parameters.

        Args:
            variant: The variant; its schedule changes the rate.
            linear: The linear map.
            rate: The rate of this location, before the schedule.
            location: The location in the network.
        """
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
        """Return weights and biases times one mask for all examples, divided by q."""
        W, b = self._linear.W.value, self._linear.b.value
        kept = bernoulli((W.shape[0] + 1, W.shape[1]), self.rate, rng)
        scale = W.dtype.type(1 / keep_probability(self.rate))
        return kept[:-1] * scale * W, kept[-1] * scale * b

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return z, with masks for each example if noise is on."""
        if not graph.draws_noise or self.rate == 0:
            return graph.apply(self._linear, x)
        (in_, out), q = self._linear.W.value.shape, keep_probability(self.rate)
        W, b = (graph.constant(name, parameter.value) for name, parameter in self._linear.parameters().items())
        noisy = graph.elementwise("multiply", graph.bernoulli(x, (in_, out), q), W)
        biases = graph.elementwise("multiply", graph.bernoulli(x, (out,), q), b)
        z = graph.reshape("flatten", graph.product(graph.reshape("add_axis", x), noisy))
        return graph.elementwise("multiply", graph.elementwise("add", z, biases), 1 / q)

    def backward(self, dy: Array) -> Array:
        """Return dx_n = dy_n (M_n (.) W)' / q."""
        if not self._noisy:
            return self._linear.backward(dy)
        self.gradients(dy)
        return np.asarray(np.einsum("no,nio,io->ni", dy, self._masks, self._linear.W.value, optimize=True))

    def gradients(self, dy: Array) -> None:
        """Add dW = sum_n (x_n' dy_n) (.) M_n / q and db = sum_n dy_n (.) mb_n / q."""
        if not self._noisy:
            self._linear.gradients(dy)
            return
        dW = np.einsum("ni,no,nio->io", self._x, dy, self._masks, optimize=True)
        self._linear.W.add_gradient(np.asarray(dW), first=True)
        self._linear.b.add_gradient((dy * self._bias_masks).sum(axis=0), first=True)

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters of the linear map."""
        return self._linear.parameters()

    def columns(self) -> dict[str, float]:
        """Return the current rate, and the fraction of weights and biases dropped last."""
        return self._rate_columns(self.path, fraction_dropped(self._drawn))


class SampledUnit(Sequential):
    """A unit that, without noise, averages its activation over draws of z."""

    def __init__(
        self, unit: Sequential, noisy: GaussianLinear, above: Sequence[Layer], *, samples: int, seed: int
    ) -> None:
        """Wrap a unit.

        Args:
            unit: The unit, used as it is with noise.
            noisy: The layer that computes mean and standard deviation of z.
            above: The layers after the linear map.
            samples: The number of draws.
            seed: The seed of the run; draws come from its stream `inference:<path>`.
        """
        super().__init__(unit.path, unit.layers)
        self._noisy_linear, self._above, self._samples, self._seed = noisy, above, samples, seed

    def set_step(self, step: int) -> None:
        """Set the step of the unit and of the layer that evaluation draws from."""
        # With exact masks these are two layers.
        super().set_step(step)
        self._noisy_linear.set_step(step)

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the activation with noise, or its average over draws of z without noise."""
        # All examples share the draws of eps, so the prediction of one does not depend on its position in the batch.
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

    def describe(self, graph: OperationGraph, x: GraphValue) -> GraphValue:
        """Return the activation with noise, or its average over draws of z without noise."""
        if graph.draws_noise:
            return super().describe(graph, x)
        linear = self._noisy_linear
        mu = graph.reshape("add_axis", linear.describe_mean(graph, x))
        if linear.factor != 0:
            sd = graph.reshape("add_axis", linear.describe_sd(graph, x))
            # One draw after the other, as in the forward pass.
            rng, width = stream(self._seed, f"inference:{self.path}"), linear.linear.fan_out
            draws = [rng.standard_normal(width, dtype=np.float32) for _ in range(self._samples)]
            eps = graph.constant(f"{self.path}/draws", np.stack(draws))
            mu = graph.elementwise("add", graph.elementwise("multiply", sd, eps), mu)
        for layer in self._above:
            mu = graph.apply(layer, mu)
        return graph.reshape("mean_over_first_axis", mu)

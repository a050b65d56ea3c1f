"""Sparse variational dropout: learns noise per weight, and removes the noisiest weights.

Each weight W has a learned ln sigma^2; la = ln alpha = ln sigma^2 - ln(W^2 + 1e-8), clipped to +-8 in the KL.

    training     z = x W' + b + sqrt(v) eps,  v = (x^2)(sigma^2) + 1e-8,  eps ~ N(0, 1) per example and output
    evaluation   z = x W' + b
    W'           W if la < 3, else 0
    loss         mean loss + (s w / N) sum of KL over all weights
    classes      s = 1, the loss is the cross-entropy
    regression   s = 2 / (tau T) with `squared_error`,  s = 1 / T with `gaussian_nll`

    -KL = k1 S(k2 + k3 la) - .5 ln(1 + exp(-la)) - k1,   k1 = .63576, k2 = 1.87320, k3 = 1.48695, S the logistic

The weight w of the KL is 0 before epoch `kl_from` (counted from 0), rises linearly over `kl_warmup` epochs, and is 1
after that. N: training examples; T: targets, over which the loss is a mean. |y - f|^2 / T is 2 / (tau T) times the
negative log-likelihood of an example under noise of precision tau (`noise_precision`).

All dense layers have noise, also the output layer; biases have none. `summary.json` has the sparsity of each layer,
the compression (weights / weights kept, biases not counted), and the accuracy with and without the removed weights.

Molchanov, Ashukha, Vetrov 2017, arXiv:1701.05369: LeNet-300-100 on MNIST, 200 epochs, 1.92 % error, 68x.

When to use: to get a network with few weights, because it removes weights while it trains. The training must be long.
If you only want a smaller error, use a variant with a rate.

Notes: la depends on W too, so the gradient of W has the additional term -2 g W / (W^2 + 1e-8), with g = d loss / d la.
Without the warm-up, small initial weights are all removed within an epoch. A short training removes nothing:
ln sigma^2 must rise from `start`, with Adam by at most about the learning rate per step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from dropout_cli.core.field_types import CountOrZero, Positive
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.container import leaves
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import VARIANTS, Location, Variant, chain
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.gaussian_linear import GaussianLinear
from dropout_cli.variants.toolkit.penalty_scale import USUAL_PRECISION, penalty_scale

K1, K2, K3 = 0.63576, 1.87320, 1.48695
CLIP = 8.0
THRESHOLD = 3.0
SMALLEST = 1e-8


def sparse_kl(la: Array) -> Array:
    """Return the KL of each ln alpha, which must be within +-8."""
    noisy = np.exp(-la)  # ln(1 + exp(-la)); numpy.logaddexp would take thirty times as long in float32
    np.log1p(noisy, out=noisy)
    noisy *= 0.5
    noisy += K1
    noisy -= K1 * _logistic(K2 + K3 * la)
    return np.asarray(noisy)


def sparse_kl_slope(la: Array) -> Array:
    """Return dKL / d ln alpha. It is negative, so the KL pushes alpha up."""
    S = _logistic(K2 + K3 * la)
    slope = S * S
    slope -= S
    slope *= K1 * K3
    slope -= 0.5 * _logistic(-la)
    return slope


def _logistic(x: Array) -> Array:
    y = 0.5 * x
    np.tanh(y, out=y)
    y += 1
    y *= 0.5
    return np.asarray(y)


@VARIANTS.register("sparse_variational")
@dataclass(frozen=True, kw_only=True)
class SparseVariational(Variant):
    """Gaussian noise with a learned variance per weight; the noisiest weights become 0."""

    start: Annotated[float, Ge(-20), Le(0)] = -10.0
    """ln sigma^2 at the start, for every weight."""
    kl_from: CountOrZero = 5
    """The epoch (counted from 0) at which the KL term starts to rise."""
    kl_warmup: CountOrZero = 15
    """The number of epochs over which the weight of the KL term rises to 1."""
    noise_precision: Positive = USUAL_PRECISION
    """The precision tau for a regression with squared_error: 1 / (assumed noise variance of standardized targets)."""

    acts_on = "the weights of every dense layer"
    learns = "the noise's variance, per weight"
    paper = "Molchanov, Ashukha, Vetrov 2017, arXiv:1701.05369"
    example = VariantExample(
        numpy="""
W = np.eye(6)
log_variance = np.full(W.shape, -3.0)  # learned, one per weight
log_alpha = log_variance - np.log(W**2 + 1e-8)
mean = x @ np.where(log_alpha < 3, W, 0)
v = x**2 @ np.exp(log_variance) + 1e-8
y = mean + np.sqrt(v) * rng.standard_normal(v.shape)
""",
        evaluation="No noise. Weights with ln alpha >= 3 are 0, the others are used as they are.",
        noise="noise sqrt(v) eps, added to the output",
        shows="added",
        settings={"start": -3.0},
    )

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return the unit with noise on the weights of its linear map."""
        return chain(location, SparseLinear(self, linear, location), *between, activation)

    def precision(self) -> float:
        """Return tau."""
        return self.noise_precision

    def output(self, linear: Dense, location: Location) -> Layer:
        """Return the output layer with noise on its weights."""
        return SparseLinear(self, linear, location)

    def report(self, network: Layer, evaluate: Callable[[], tuple[str, float]]) -> dict[str, Any]:
        """Return sparsity, compression, and the score with and without pruning."""
        layers = [layer for layer in leaves(network) if isinstance(layer, SparseLinear)]
        weights = sum(layer.linear.W.value.size for layer in layers)
        kept = sum(int(np.count_nonzero(layer.kept())) for layer in layers)
        number, pruned = evaluate()
        for layer in layers:
            layer.pruned = False
        _, whole = evaluate()
        for layer in layers:
            layer.pruned = True
        return {
            "sparsity": {layer.unit: layer.sparsity() for layer in layers} | {"overall": 1 - kept / weights},
            "weights": weights,
            "kept": kept,
            "compression": weights / kept if kept else None,
            f"{number}_pruned": pruned,
            f"{number}_unpruned": whole,
        }


class SparseLinear(GaussianLinear):
    """A linear map with V = sigma^2, whose mean leaves out the removed weights."""

    def __init__(self, variant: SparseVariational, linear: Dense, location: Location) -> None:
        """Wrap a linear map, which keeps the names of its parameters.

        ln sigma^2 is `<path>/dropout/log_variance`.
        """
        super().__init__(linear, location)
        self._variant, self._location = variant, location
        self._scale = penalty_scale(location, variant.noise_precision)
        value = np.full(linear.W.value.shape, variant.start, linear.W.value.dtype)
        self.log_variance = Parameter(value, decay=0.0, max_norm=0.0)
        self.pruned = True
        """True if weights that are mostly noise are left out."""
        self.set_step(0)

    def set_step(self, step: int) -> None:
        """Set the weight of the KL term."""
        since = step // self._location.steps_per_epoch - self._variant.kl_from
        ramp = min(1.0, max(0, since) / self._variant.kl_warmup) if self._variant.kl_warmup else float(since >= 0)
        self._factor = ramp / self._location.examples * self._scale

    def log_alpha(self) -> Array:
        """Return ln alpha, not clipped, (in, out)."""
        W = self.linear.W.value
        squares = np.multiply(W, W, out=self._buffer("log_alpha", W.shape, W.dtype))
        squares += SMALLEST
        np.log(squares, out=squares)
        return np.subtract(self.log_variance.value, squares, out=squares)

    def kept(self) -> Array:
        """Return True for each weight that is kept, (in, out)."""
        return np.asarray(self.log_alpha() < THRESHOLD)

    def sparsity(self) -> float:
        """Return the fraction of weights that are removed."""
        return 1 - np.count_nonzero(self.kept()) / self.linear.W.value.size

    def mean_weights(self) -> Array:
        """Return the weights, with 0 for removed ones, (in, out)."""
        W = self.linear.W.value
        self._kept = self.kept() if self.pruned else np.ones(W.shape, bool)
        return np.multiply(W, self._kept, out=self._buffer("mean_weights", W.shape, W.dtype))

    def mean_slope(self) -> Array | float:
        """Return 1 for kept weights and 0 for removed ones, (in, out)."""
        return self._kept

    def variances(self) -> tuple[Array, Array | float]:
        """Return sigma^2, and 0 for the biases, which have no noise."""
        V = self._buffer("V", self.log_variance.value.shape, self.log_variance.value.dtype)
        return np.exp(self.log_variance.value, out=V), 0.0

    def add_variance_gradients(self, dV: Array, dv_b: Array) -> None:
        """Add d ln sigma^2 = dV (.) sigma^2."""
        self.log_variance.add_gradient(dV, factor=self._V, first=True)

    def gradients(self, dy: Array) -> None:
        """Add the gradients, with those of the penalty: g, and -2 g W / (W^2 + 1e-8) for W."""
        super().gradients(dy)
        W = self.linear.W
        if not self._noisy:
            self.log_variance.add_gradient(0.0, first=True)
        if self._factor:
            la = self.log_alpha()
            g = sparse_kl_slope(la)
            g *= np.abs(la) < CLIP
            g *= self._factor
            self.log_variance.add_gradient(g)
            g *= W.value
            g /= W.value * W.value + SMALLEST
            g *= 2
            W.add_gradient(g, factor=-1.0)

    def parameters(self) -> dict[str, Parameter]:
        """Return the parameters of the linear map, and ln sigma^2."""
        return self.linear.parameters() | {f"{self.path}/log_variance": self.log_variance}

    def penalty(self) -> float:
        """Return (s w / N) times the sum of the KL over the weights."""
        if not self._factor:
            return 0.0
        la = np.clip(self.log_alpha(), -CLIP, CLIP)
        return self._factor * float(sparse_kl(la).sum(dtype=np.float64))

    def warnings(self) -> list[str]:
        """Return a warning if training ended before the KL term started."""
        # From the output layer only, so that it appears once per run.
        if self._factor or self._location.kind != "output":
            return []
        return ["dropout.kl_from: training ended before the KL term started. Train longer, or lower dropout.kl_from."]

    def columns(self) -> dict[str, float]:
        """Return the fraction of weights that are removed."""
        return {f"{self.path}/sparsity": self.sparsity()}

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return the column of the sparsity, which is between 0 and 1 already."""
        return {f"{self.path}/sparsity": float}

"""Sparse variational dropout: every weight learns its own noise, and weights that are mostly noise are cut.

W and ln sigma^2 are learned, one of each per weight; la = ln alpha = ln sigma^2 - ln(W^2 + 1e-8), clipped to +-8.

    training     z = x W' + b + sqrt(v) eps,  v = (x^2)(sigma^2) + 1e-8;  eps per example and output
    evaluation   z = x W' + b
    W'           W where la < 3, else 0
    loss         mean loss + (s w / N) sum of KL over all weights
    classes      s = 1, the loss is the cross-entropy
    regression   s = 2 / (tau T) with `squared_error`,  s = 1 / T with `gaussian_nll`

    -KL = k1 s(k2 + k3 la) - .5 ln(1 + exp(-la)) - k1,   k1 = .63576, k2 = 1.87320, k3 = 1.48695, s the logistic

The weight w of the KL is 0 before epoch `kl_from` (counted from 0), rises linearly over `kl_warmup` epochs and
is 1 from then on. N: training examples; T: targets, over which the loss is a mean. |y - f|^2 / T is 2 / (tau T) times
the negative log-likelihood of an example under noise of precision tau (`noise_precision`).

Noise stands on all dense layers, the logits too; biases have none. `summary.json` tells the sparsity of each layer,
the compression (weights / weights kept, biases not counted) and the accuracy with and without the weights that were
cut.

Molchanov, Ashukha, Vetrov 2017, arXiv:1701.05369: LeNet-300-100 on MNIST, 200 epochs, 1.92 % error, 68x.

Traps: la depends on W too, so that without its second term, -2 g W / (W^2 + 1e-8), dW is not the gradient of
this loss. Without the warm-up, small initial weights are all cut within an epoch. Few steps cut nothing: ln
sigma^2 has to climb from `start`, at most about the learning rate per step with Adam.
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
from dropout_cli.variants.toolkit.gaussian_linear import GaussianLinear
from dropout_cli.variants.toolkit.penalty_scale import USUAL_PRECISION, penalty_scale

K1, K2, K3 = 0.63576, 1.87320, 1.48695
CLIP = 8.0
THRESHOLD = 3.0
SMALLEST = 1e-8


def sparse_kl(la: Array) -> Array:
    """KL for each ln alpha, which lies within the clip."""
    noisy = np.exp(-la)  # ln(1 + exp(-la)); numpy.logaddexp would take thirty times as long in float32
    np.log1p(noisy, out=noisy)
    noisy *= 0.5
    noisy += K1
    noisy -= K1 * _logistic(K2 + K3 * la)
    return np.asarray(noisy)


def sparse_kl_slope(la: Array) -> Array:
    """dKL / d ln alpha: negative, so that the KL pulls alpha up."""
    S = _logistic(K2 + K3 * la)
    found = S * S
    found -= S
    found *= K1 * K3
    found -= 0.5 * _logistic(-la)
    return found


def _logistic(x: Array) -> Array:
    y = 0.5 * x
    np.tanh(y, out=y)
    y += 1
    y *= 0.5
    return np.asarray(y)


@VARIANTS.register("sparse_variational")
@dataclass(frozen=True, kw_only=True)
class SparseVariational(Variant):
    """Gaussian noise of learned variance on every weight; weights that are mostly noise are cut."""

    start: Annotated[float, Ge(-20), Le(0)] = -10.0
    """ln sigma^2 at the start, for every weight."""
    kl_from: CountOrZero = 5
    """The epoch, counted from 0, after which the KL begins to count."""
    kl_warmup: CountOrZero = 15
    """Over how many epochs the weight of the KL rises to 1."""
    noise_precision: Positive = USUAL_PRECISION
    """tau of a regression with squared_error: 1 / variance of the noise that is assumed in the standardized targets."""

    acts_on = "the weights of every dense layer"
    learns = "the noise's variance, per weight"
    paper = "Molchanov, Ashukha, Vetrov 2017, arXiv:1701.05369"

    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Noise inside the linear map."""
        return chain(location, SparseLinear(self, linear, location), *between, activation)

    def precision(self) -> float:
        """tau."""
        return self.noise_precision

    def output(self, linear: Dense, location: Location) -> Layer:
        """The logits too."""
        return SparseLinear(self, linear, location)

    def report(self, network: Layer, evaluate: Callable[[], tuple[str, float]]) -> dict[str, Any]:
        """Sparsity per layer and of all, compression, and what cutting did to the accuracy."""
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
    """V = sigma^2, and a mean without the weights that are cut."""

    def __init__(self, variant: SparseVariational, linear: Dense, location: Location) -> None:
        """The linear map keeps its parameters and their names; ln sigma^2 is `<path>/dropout/log_variance`."""
        super().__init__(linear, location)
        self._variant, self._location = variant, location
        self._scale = penalty_scale(location, variant.noise_precision)
        value = np.full(linear.W.value.shape, variant.start, linear.W.value.dtype)
        self.log_variance = Parameter(value, decay=0.0, max_norm=0.0)
        self.pruned = True
        """Whether weights that are mostly noise are left out."""
        self.set_step(0)

    def set_step(self, step: int) -> None:
        """Set the weight of the KL."""
        since = step // self._location.steps_per_epoch - self._variant.kl_from
        ramp = min(1.0, max(0, since) / self._variant.kl_warmup) if self._variant.kl_warmup else float(since >= 0)
        self._factor = ramp / self._location.examples * self._scale

    def log_alpha(self) -> Array:
        """ln alpha, not clipped, (in, out)."""
        W = self.linear.W.value
        squares = np.multiply(W, W, out=self._buffer("log_alpha", W.shape, W.dtype))
        squares += SMALLEST
        np.log(squares, out=squares)
        return np.subtract(self.log_variance.value, squares, out=squares)

    def kept(self) -> Array:
        """Which weights are not cut."""
        return np.asarray(self.log_alpha() < THRESHOLD)

    def sparsity(self) -> float:
        """The share of weights that are cut."""
        return 1 - np.count_nonzero(self.kept()) / self.linear.W.value.size

    def mean_weights(self) -> Array:
        """Those that are not cut, the others 0."""
        W = self.linear.W.value
        self._kept = self.kept() if self.pruned else np.ones(W.shape, bool)
        return np.multiply(W, self._kept, out=self._buffer("mean_weights", W.shape, W.dtype))

    def mean_slope(self) -> Array | float:
        """1, and 0 where the weight is cut."""
        return self._kept

    def variances(self) -> tuple[Array, Array | float]:
        """sigma^2; biases have no noise."""
        V = self._buffer("V", self.log_variance.value.shape, self.log_variance.value.dtype)
        return np.exp(self.log_variance.value, out=V), 0.0

    def add_variance_gradients(self, dV: Array, dv_b: Array) -> None:
        """d ln sigma^2 = dV (.) sigma^2."""
        self.log_variance.add_gradient(dV, factor=self._V, first=True)

    def gradients(self, dy: Array) -> None:
        """With the gradient of the penalty: g for ln sigma^2, -2 g W / (W^2 + 1e-8) for W."""
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
        """Those of the linear map, and ln sigma^2."""
        return self.linear.parameters() | {f"{self.path}/log_variance": self.log_variance}

    def penalty(self) -> float:
        """(s w / N) sum of KL."""
        if not self._factor:
            return 0.0
        la = np.clip(self.log_alpha(), -CLIP, CLIP)
        return self._factor * float(sparse_kl(la).sum(dtype=np.float64))

    def warnings(self) -> list[str]:
        """A training that ended before the KL counted has cut by chance alone; said once."""
        if self._factor or self._location.kind != "output":
            return []
        return ["dropout.kl_from: training ended before the KL began to count. Train longer, or lower it."]

    def columns(self) -> dict[str, float]:
        """The share of weights that are cut."""
        return {f"{self.path}/sparsity": self.sparsity()}

    def learned_columns(self) -> dict[str, Callable[[float], float]]:
        """Return the share of weights that are cut, as it is."""
        return {f"{self.path}/sparsity": float}

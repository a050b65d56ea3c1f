"""Regression: the outputs are standardized targets, each with the logarithmic odds of its variance where it is learned.

Trained with `squared_error` the network says nothing of its errors: its standard deviation is then the root mean
squared error on the validation part (the training part, where there is none), one number per target. Trained with
`gaussian_nll` it predicts a variance for every example, v = softplus(s) + 1e-6 in standardized units.

Of T noisy passes with means m_t and variances v_t, the mean is that of m_t and the variance mean v_t + var m_t:
the noise of the data, and what the network does not know (Kendall & Gal 2017, arXiv:1703.04977). Where the network
predicts no variance, v_t is estimated so that the sum is as wide as the errors on the validation part
(metrics.pass_noise); the errors of the prediction without noise would count var m_t twice.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from dropout_cli import metrics, plots
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part, Quantities
from dropout_cli.metrics import pass_noise
from dropout_cli.metrics.pass_noise import PassNoise
from dropout_cli.nn import losses
from dropout_cli.tasks.base import Combined, Prediction, Task

PASSES = 50
"""The number of passes with which the noise beside them is estimated."""
SMALLEST_NOISE = 1e-4
"""The least noise beside passes that is considered, times the target's own standard deviation."""
SMALLEST_SD = 1e-12
"""Times the target's own standard deviation; a network without any error would have an infinite likelihood."""


@dataclass(frozen=True)
class Regression(Task):
    """Numbers per example; a prediction is `mean` (N, targets) and, where it is known, `sd`, in the targets' units."""

    quantities: Quantities
    heteroscedastic: bool
    """Whether the network predicts a variance for every target."""
    noise_sd: tuple[float, ...] | None = None
    """Of each target, where the network does not predict it."""
    pass_noise: PassNoise | None = None
    """The noise of each target beside Monte-Carlo passes, where the network does not predict it."""
    mixture_sd: tuple[float, ...] | None = None
    """The standard deviation s of each target in the mixture of passes, N(m_t, s2), where it was estimated."""

    name: ClassVar[str] = "regression"
    number: ClassVar[str] = "rmse"
    shown: ClassVar[tuple[str, ...]] = metrics.shown("regression")

    @property
    def outputs(self) -> int:
        """One number per target, or two."""
        return len(self.quantities.names) * (2 if self.heteroscedastic else 1)

    def judge(self, outputs: Array, labels: Array) -> dict[str, float]:
        """The loss in standardized units, and the root mean squared error in the targets' own."""
        loss_of = losses.gaussian if self.heteroscedastic else losses.squared_error
        loss, _ = loss_of(outputs.astype(np.float64), self.quantities.standardized(labels))
        errors = labels - self._mean(outputs)
        return {"loss": loss, "rmse": float(np.sqrt((errors**2).mean(axis=0)).mean())}

    def monitored(self, name: str, outputs: Array, labels: Array) -> float:
        """As in `metrics.regression`; a network without variances gets the part's own errors."""
        predicted = self.calibrated(outputs, labels).predict(outputs)
        return self.number_of(name, metrics.Quantities.of(predicted["mean"], predicted.get("sd"), labels))

    def predict(self, outputs: Array) -> Prediction:
        """Back in the targets' own units, in float64."""
        sd = self._sd(outputs)
        return {"mean": self._mean(outputs)} | ({} if sd is None else {"sd": sd})

    def combine(self, passes: Iterable[Array], labels: Array | None = None) -> Combined:
        """The law of total variance, with the sums taken around the first pass; with labels, log-mean-exp too."""
        count, first = 0, np.zeros(1)
        sums = squares = noise = np.zeros(1)
        mixed: Array | None = None
        for outputs in passes:
            mean, sd = self._mean(outputs), self._sd(outputs)
            first = mean if count == 0 else first
            count += 1
            sums, squares = sums + (mean - first), squares + (mean - first) ** 2
            noise = noise + (np.zeros_like(mean) if sd is None else sd**2)
            if labels is not None and sd is not None:
                each = self._log_densities(mean, sd, labels)
                mixed = each if mixed is None else np.logaddexp(mixed, each)
        model = np.sqrt(np.maximum(squares / count - (sums / count) ** 2, 0))
        noise = np.sqrt(noise / count)
        if self.pass_noise is not None:
            noise = np.broadcast_to(np.sqrt(self.pass_noise.variance(count, self._smallest())), model.shape).copy()
        sd = np.sqrt(model**2 + noise**2)
        mean = first + sums / count
        known: Prediction = {"mean": mean, "sd": sd} if (sd > 0).all() else {"mean": mean}
        scores = {} if mixed is None else {"nll_log_mean_exp": float((np.log(count) - mixed).mean())}
        return Combined({"monte_carlo": known}, {"model_sd": model, "noise_sd": noise}, scores)

    def calibrated(self, outputs: Array, labels: Array) -> "Regression":
        """With the root mean squared error of each target, where the network predicts no variance."""
        if self.heteroscedastic:
            return self
        found = np.sqrt(((labels - self._mean(outputs)) ** 2).mean(axis=0))
        return replace(self, noise_sd=tuple(np.maximum(found, SMALLEST_SD * self.quantities.sd).tolist()))

    @property
    def needs_passes(self) -> bool:
        """The task needs them where the network predicts no variance."""
        return not self.heteroscedastic

    def calibrated_with_noise(
        self, draw: Callable[[int], Iterable[Array]], labels: Array, count: int | None = None
    ) -> "Regression":
        """Estimate the noise beside PASSES passes; with `count`, also that of the mixture of so many passes."""
        if self.heteroscedastic:
            return self
        smallest, targets = self._smallest(), range(len(self.quantities.names))
        means = np.array([self._mean(outputs) for outputs in draw(PASSES)])
        errors, variances = labels - means.mean(axis=0), means.var(axis=0)
        found = [pass_noise.gaussian(errors[:, t], variances[:, t], smallest[t]) for t in targets]
        noise = PassNoise(
            PASSES,
            tuple(np.sqrt(found).tolist()),
            tuple(np.sqrt(means.var(axis=0, ddof=1).mean(axis=0)).tolist()),
            tuple(np.sqrt((errors**2).mean(axis=0)).tolist()),
        )
        if count is None:
            return replace(self, pass_noise=noise)
        each = np.array([labels - self._mean(outputs) for outputs in draw(count)])
        mixture = [pass_noise.log_mean_exp(each[:, :, t], smallest[t]) for t in targets]
        return replace(self, pass_noise=noise, mixture_sd=tuple(np.sqrt(mixture).tolist()))

    def notices(self) -> list[str]:
        """Name the targets for which the passes spread by more than their mean errs."""
        if self.pass_noise is None:
            return []
        each = zip(self.quantities.names, self.pass_noise.model_sd, self.pass_noise.rmse, strict=True)
        return [
            f"--mc: the passes spread by {model:.3g} around a mean that errs by {rmse:.3g} ('{name}'): no noise beside "
            "them makes that right, and sd is too large."
            for name, model, rmse in each
            if model > rmse
        ]

    def learned(self) -> dict[str, Any]:
        """The standard deviation of the noise, one per target, where the network does not predict it."""
        return {} if self.noise_sd is None else {"noise_sd": list(self.noise_sd)}

    def scores(self, prediction: Prediction, labels: Array) -> dict[str, Any]:
        """See `metrics.regression`."""
        return metrics.regression(prediction["mean"], prediction.get("sd"), labels, self.quantities.names)

    def tables(self, prediction: Prediction, labels: Array, rows: Array) -> dict[str, bytes]:
        """What was predicted for each example, and what was true."""
        names = self.quantities.names
        return {"residuals.csv": metrics.residuals_csv(prediction["mean"], prediction.get("sd"), labels, rows, names)}

    def figures(self, prediction: Prediction, part: Part, title: str) -> dict[str, bytes]:
        """Predicted against true values, and residuals."""
        names = self.quantities.names
        return {"residuals.png": plots.residuals(prediction["mean"], prediction.get("sd"), part.labels, names, title)}

    @classmethod
    def recalled(cls, scores: Mapping[str, Any]) -> "Regression":
        """By the targets of `per_target`."""
        names = tuple(str(one["target"]) for one in scores["per_target"])
        return cls(Quantities(names, np.zeros(len(names)), np.ones(len(names))), heteroscedastic=False)

    def _mean(self, outputs: Array) -> Array:
        targets = len(self.quantities.names)
        return np.asarray(outputs[:, :targets].astype(np.float64) * self.quantities.sd + self.quantities.mean)

    def _sd(self, outputs: Array) -> Array | None:
        targets = len(self.quantities.names)
        if self.heteroscedastic:
            variance = losses.variance(outputs[:, targets:].astype(np.float64))
            return np.asarray(np.sqrt(variance) * self.quantities.sd)
        return None if self.noise_sd is None else np.tile(np.array(self.noise_sd), (len(outputs), 1))

    def _smallest(self) -> Array:
        """The least variance beside passes that is considered, one per target."""
        return np.asarray((SMALLEST_NOISE * self.quantities.sd) ** 2)

    def _log_densities(self, mean: Array, sd: Array, labels: Array) -> Array:
        """ln N(y; m_t, s2) of a pass, (N, targets)."""
        scale = np.array(self.mixture_sd) if self.mixture_sd is not None else sd
        return np.asarray(-(((labels - mean) / scale) ** 2) / 2 - np.log(scale) - np.log(2 * np.pi) / 2)

"""Regression: the outputs are standardized targets, optionally with their variances.

Trained with `squared_error` the network does not predict its errors. Its standard deviation is then the root mean
squared error on the validation part (on the training part if there is no validation part), one number per target.
With `squared_error` and `target_precision`, it is 1 / sqrt(target_precision) instead, and nothing is estimated.
Trained with `gaussian_nll` it predicts a variance for every example, v = softplus(s) + 1e-6 in standardized units.

Of T noisy passes with means m_t and variances v_t, the combined mean is that of m_t, and the combined variance is
mean v_t + var m_t: the noise of the data plus the uncertainty of the network (Kendall & Gal 2017, arXiv:1703.04977). If
the network predicts no variance, v_t is estimated so that the sum is as wide as the errors on the validation part
(metrics.pass_noise); the errors of the prediction without noise would count var m_t twice.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from dropout_cli import metrics, plots
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part, RegressionTargets
from dropout_cli.metrics import pass_noise
from dropout_cli.metrics.pass_noise import PassNoise
from dropout_cli.metrics.target_passes import TargetPasses
from dropout_cli.nn import losses
from dropout_cli.nn.operations import GraphValue, OperationGraph
from dropout_cli.tasks.base import CombinedPasses, Prediction, Task

NOISE_PASSES = 50  # passes with which the remaining noise is estimated
MIN_NOISE = 1e-4  # smallest sd of the remaining noise, as a multiple of the target's own sd
MIN_SD = 1e-12  # as a multiple of the target's sd; a network without errors would have an infinite likelihood


@dataclass(frozen=True)
class Regression(Task):
    """Numbers per example; a prediction has `mean` (N, targets) and, if known, `sd`.

    Both are in the targets' own units.
    """

    targets: RegressionTargets
    heteroscedastic: bool
    """True if the network predicts a variance for every target."""
    noise_sd: tuple[float, ...] | None = None
    """Standard deviation of each target's error, if the network does not predict it."""
    pass_noise: PassNoise | None = None
    """Noise of each target in addition to Monte Carlo passes, if the network does not predict it."""
    mixture_sd: tuple[float, ...] | None = None
    """Standard deviation s of each target in the mixture of passes N(m_t, s2), if estimated."""
    noise_is_given: bool = False
    """True if `noise_sd` comes from the config: it is that of a pass, and nothing is estimated."""

    name: ClassVar[str] = "regression"
    headline_metric: ClassVar[str] = "rmse"
    displayed_metrics: ClassVar[tuple[str, ...]] = metrics.displayed_metrics("regression")

    @property
    def outputs(self) -> int:
        """One number per target, or two."""
        return len(self.targets.names) * (2 if self.heteroscedastic else 1)

    def evaluate(self, outputs: Array, labels: Array) -> dict[str, float]:
        """Return the loss in standardized units, and the RMSE in the targets' own units."""
        loss_of = losses.gaussian_loss if self.heteroscedastic else losses.squared_error
        # float64, as the metrics of summary.json.
        loss, _ = loss_of(outputs.astype(np.float64), self.targets.standardize(labels))
        errors = labels - self._mean(outputs)
        return {"loss": loss, "rmse": float(np.sqrt((errors**2).mean(axis=0)).mean())}

    def score_of(self, name: str, outputs: Array, labels: Array) -> float:
        """Return a metric of `metrics.score_targets`.

        For a network without variances, sd is the part's own root mean squared error.
        """
        predicted = self.fit_error(outputs, labels).predict(outputs)
        return self.metric_value(name, metrics.TargetPredictions.of(predicted["mean"], predicted.get("sd"), labels))

    def predict(self, outputs: Array) -> Prediction:
        """Return mean and sd in the targets' own units, in float64."""
        sd = self._sd(outputs)
        return {"mean": self._mean(outputs)} | ({} if sd is None else {"sd": sd})

    def describe_prediction(self, graph: OperationGraph, outputs: GraphValue) -> dict[str, GraphValue]:
        """Return `mean` and, if known, `sd` of one pass, in the targets' own units and float64."""
        count = len(self.targets.names)
        scale = graph.constant("targets/sd", self.targets.sd.astype(np.float64))
        standardized = graph.elementwise("to_float64", graph.columns(outputs, 0, count))
        scaled = graph.elementwise("multiply", standardized, scale)
        mean = graph.elementwise("add", scaled, graph.constant("targets/mean", self.targets.mean.astype(np.float64)))
        if self.heteroscedastic:
            softplus = graph.elementwise("softplus", graph.columns(outputs, count, 2 * count))
            variance = graph.elementwise("add", softplus, losses.SMALLEST_VARIANCE)
            standardized_sd = graph.elementwise("to_float64", graph.elementwise("sqrt", variance))
            return {"mean": mean, "sd": graph.elementwise("multiply", standardized_sd, scale)}
        # With noise, this sd would count the spread of the passes twice.
        if self.noise_sd is None or graph.draws_noise:
            return {"mean": mean}
        zero = graph.elementwise("multiply", standardized, 0.0)  # it brings the number of examples
        sd = graph.elementwise("add", zero, graph.constant("targets/noise_sd", np.array(self.noise_sd, np.float64)))
        return {"mean": mean, "sd": sd}

    def start_passes(self) -> TargetPasses:
        """Return empty sums."""
        return TargetPasses()

    def add_pass(self, sums: TargetPasses, outputs: Array, labels: Array | None = None) -> None:
        """Add the outputs of a pass to sums; with labels, also its likelihood.

        Args:
            sums: The sums, which are changed.
            outputs: (N, outputs) of the network.
            labels: (N, targets) true values in their own units, for every pass of the sums or for none.
        """
        mean, sd = self._mean(outputs), self._sd(outputs)
        sums.add(mean, sd, None if labels is None or sd is None else self._log_densities(mean, sd, labels))

    def combine_sums(self, sums: TargetPasses) -> CombinedPasses:
        """Combine passes by the law of total variance; with labels, compute log-mean-exp too."""
        mean, model, noise = sums.mean, sums.model_sd, sums.noise_sd
        if self.pass_noise is not None:
            variance = self.pass_noise.variance(sums.count, self._smallest())
            noise = np.broadcast_to(np.sqrt(variance), model.shape).copy()
        sd = np.sqrt(model**2 + noise**2)
        known: Prediction = {"mean": mean, "sd": sd} if (sd > 0).all() else {"mean": mean}
        uncertainties = {"model_sd": model, "noise_sd": noise}
        return CombinedPasses({"monte_carlo": known}, uncertainties, sums.log_mean_densities)

    def pass_components(self, passes: Iterable[Array]) -> tuple[Array, Array]:
        """Return the mixture of normal distributions that passes predict, (T, N, targets) each.

        Args:
            passes: (N, outputs) of one pass after the other, at least one pass.

        Returns:
            Means and standard deviations. The latter are predicted, given, or `mixture_sd`; 0 if nothing is estimated.
        """
        means, sds = [], []
        for outputs in passes:
            means.append(self._mean(outputs))
            if self.heteroscedastic:
                sds.append(np.asarray(self._sd(outputs)))
        if sds:
            return np.array(means), np.array(sds)
        known = (self.noise_sd if self.noise_is_given else self.mixture_sd) or np.zeros(len(self.targets.names))
        return np.array(means), np.broadcast_to(np.array(known), (len(means), *means[0].shape))

    def fit_error(self, outputs: Array, labels: Array) -> "Regression":
        """Set the sd of each target to its RMSE, unless the network predicts it or it is given."""
        if not self.needs_passes:
            return self
        rmse = np.sqrt(((labels - self._mean(outputs)) ** 2).mean(axis=0))
        return replace(self, noise_sd=tuple(np.maximum(rmse, MIN_SD * self.targets.sd).tolist()))

    @property
    def needs_passes(self) -> bool:
        """True if the network predicts no variance, and none is given."""
        return not (self.heteroscedastic or self.noise_is_given)

    def fit_noise(
        self, draw: Callable[[int], Iterable[Array]], labels: Array, count: int | None = None
    ) -> "Regression":
        """Estimate the noise in addition to `PASSES` passes.

        Args:
            draw: Makes the outputs of n passes.
            labels: (N, targets) true values in their own units.
            count: If given, the noise of the mixture of this number of passes is estimated too.
        """
        if not self.needs_passes:
            return self
        smallest, targets = self._smallest(), range(len(self.targets.names))
        means = np.array([self._mean(outputs) for outputs in draw(NOISE_PASSES)])
        errors, variances = labels - means.mean(axis=0), means.var(axis=0)
        s2 = [pass_noise.fit_gaussian_noise(errors[:, t], variances[:, t], smallest[t]) for t in targets]
        noise = PassNoise(
            NOISE_PASSES,
            tuple(np.sqrt(s2).tolist()),
            tuple(np.sqrt(means.var(axis=0, ddof=1).mean(axis=0)).tolist()),
            tuple(np.sqrt((errors**2).mean(axis=0)).tolist()),
        )
        if count is None:
            return replace(self, pass_noise=noise)
        each = np.array([labels - self._mean(outputs) for outputs in draw(count)])
        mixture = [pass_noise.fit_mixture_noise(each[:, :, t], smallest[t]) for t in targets]
        return replace(self, pass_noise=noise, mixture_sd=tuple(np.sqrt(mixture).tolist()))

    def notices(self) -> list[str]:
        """Name the targets for which the spread of the passes exceeds the error of their mean."""
        if self.pass_noise is None:
            return []
        each = zip(self.targets.names, self.pass_noise.model_sd, self.pass_noise.rmse, strict=True)
        return [
            f"--mc: for '{name}' the passes vary by {model:.3g}, but their mean is wrong by only {rmse:.3g}. No "
            "additional noise corrects this, and sd is too large."
            for name, model, rmse in each
            if model > rmse
        ]

    def fitted_state(self) -> dict[str, Any]:
        """Return the sd of the noise of each target, if the network does not predict it."""
        return {} if self.noise_sd is None else {"noise_sd": list(self.noise_sd)}

    def scores(self, prediction: Prediction, labels: Array) -> dict[str, Any]:
        """Score a prediction; see `metrics.score_targets`."""
        return metrics.score_targets(prediction["mean"], prediction.get("sd"), labels, self.targets.names)

    def tables(self, prediction: Prediction, labels: Array, rows: Array) -> dict[str, bytes]:
        """Return predicted and true values of each example as CSV."""
        names = self.targets.names
        return {"residuals.csv": metrics.residuals_csv(prediction["mean"], prediction.get("sd"), labels, rows, names)}

    def figures(self, prediction: Prediction, part: Part, title: str) -> dict[str, bytes]:
        """Draw predicted against true values, and residuals."""
        names = self.targets.names
        return {
            "residuals.png": plots.residual_figure(prediction["mean"], prediction.get("sd"), part.labels, names, title)
        }

    @classmethod
    def from_scores(cls, scores: Mapping[str, Any]) -> "Regression":
        """Return the task with the targets of `per_target`."""
        names = tuple(str(row["target"]) for row in scores["per_target"])
        return cls(RegressionTargets(names, np.zeros(len(names)), np.ones(len(names))), heteroscedastic=False)

    def _mean(self, outputs: Array) -> Array:
        targets = len(self.targets.names)
        return np.asarray(outputs[:, :targets].astype(np.float64) * self.targets.sd + self.targets.mean)

    def _sd(self, outputs: Array) -> Array | None:
        targets = len(self.targets.names)
        if self.heteroscedastic:
            variance = losses.softplus_variance(outputs[:, targets:].astype(np.float64))
            return np.asarray(np.sqrt(variance) * self.targets.sd)
        return None if self.noise_sd is None else np.tile(np.array(self.noise_sd), (len(outputs), 1))

    def _smallest(self) -> Array:
        """Return the smallest variance considered in addition to passes, one per target."""
        return np.asarray((MIN_NOISE * self.targets.sd) ** 2)

    def _log_densities(self, mean: Array, sd: Array, labels: Array) -> Array:
        """Return ln N(y; m_t, s2) of a pass, (N, targets)."""
        scale = np.array(self.mixture_sd) if self.mixture_sd is not None else sd
        return np.asarray(-(((labels - mean) / scale) ** 2) / 2 - np.log(scale) - np.log(2 * np.pi) / 2)

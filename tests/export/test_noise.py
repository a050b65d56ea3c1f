"""With `--noise`, predictions have the distribution of our own noisy passes, for every variant."""

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.export.description import describe_run
from dropout_cli.export.numpy_program import compute
from dropout_cli.export.plain_steps import constant_arrays, plain_steps
from dropout_cli.training import forward_passes, restore
from dropout_cli.variants import VARIANTS
from tests.export.small_models import Models, SmallModel

PASSES = 400
NOISY = [name for name in VARIANTS.names() if name != "none"]
NOISY += ["dropconnect sample", "variational weights", "global", "batch normalization"]
ERRORS = 6
"""Largest difference in standard errors, for some thousand comparisons."""


def passes_of_run(model: SmallModel) -> Array:
    """Return the probabilities of noisy passes of a run, (PASSES, N, classes)."""
    loaded = restore.load_without_data(model.run)
    dataset = loaded.fitted.unlabeled_dataset(model.x)
    with loaded.learner.averaged() as network:
        drawn = forward_passes.noisy_passes(network, dataset, dataset.train, seed=7, count=PASSES, batch=100)
        return np.array([loaded.task.predict(outputs)["probabilities"] for outputs in drawn])


def largest_error(one: Array, other: Array) -> float:
    """Return the largest difference of means and of variances of two samples, in standard errors.

    Args:
        one: (passes, ...).
        other: (passes, ...), in the shape of `one`.
    """
    both = np.concatenate([one - one.mean(axis=0), other - other.mean(axis=0)]).astype(np.float64)
    variance, fourth = (both**2).mean(axis=0), (both**4).mean(axis=0)
    floor = 1e-14  # rounding of float32
    means = np.abs(one.mean(axis=0) - other.mean(axis=0)) / np.sqrt((variance + floor) * 2 / len(one))
    errors = np.sqrt((fourth - variance**2 + floor**2) * 2 / len(one))
    return float(max(means.max(), (np.abs(one.var(axis=0) - other.var(axis=0)) / errors).max()))


@pytest.mark.parametrize("name", NOISY)
def test_operations_have_the_mean_and_the_variance_of_the_passes_of_a_run(name: str, models: Models) -> None:
    """Over 400 passes, for the probability of every class and example, within sampling error."""
    model = models(name)
    description = describe_run(model.run, None, noise=True)
    steps, arrays = plain_steps(description.graph), {**constant_arrays(description.graph), "x": model.x}
    rng, output = stream(3, "test:noise"), description.outputs["probabilities"].name
    drawn = np.array([compute(steps, arrays, rng)[output] for _ in range(PASSES)])
    assert drawn.std(axis=0).max() > 1e-5
    assert largest_error(passes_of_run(model), drawn) < ERRORS


def test_a_wrong_spread_or_mean_is_found() -> None:
    """Means 0.4 standard deviations apart, or a standard deviation 1.5 times as large."""
    rng = stream(0, "test:spread")
    one, other = rng.standard_normal((2, PASSES, 300))
    assert largest_error(one, other) < ERRORS
    assert largest_error(one, other + 0.4) > ERRORS
    assert largest_error(one, 1.5 * other) > ERRORS


@pytest.mark.parametrize(("name", "rows_differ"), [("gaussian", True), ("dropblock", True), ("batchwise", False)])
def test_rows_share_their_noise_only_where_the_variant_does(name: str, rows_differ: bool, models: Models) -> None:
    """Equal examples of one batch have noise of their own, but for batchwise."""
    model = models(name)
    description = describe_run(model.run, None, noise=True)
    arrays = {**constant_arrays(description.graph), "x": np.repeat(model.x[:1], 40, axis=0)}
    values = compute(plain_steps(description.graph), arrays, stream(4, "test:noise"))
    assert (np.ptp(values[description.outputs["probabilities"].name], axis=0).max() > 1e-3) == rows_differ

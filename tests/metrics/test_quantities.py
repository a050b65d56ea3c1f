"""The numbers and residuals of a regression, target by target."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from dropout_cli import metrics
from dropout_cli.core.types import Array

RNG = np.random.default_rng(5)
TRUE, SD = RNG.normal(3, 2, (40, 3)), RNG.uniform(0.5, 2, (40, 3))
MEAN = TRUE + SD * RNG.normal(0.2, 1, (40, 3))
NAMES = ("a", "b", "c")


def test_every_target_has_its_own_numbers() -> None:
    """Column by column, by scikit-learn and SciPy; the whole has their means."""
    found = metrics.score_targets(MEAN, SD, TRUE, NAMES)
    rows = found["per_target"]
    for t, row in enumerate(rows):
        true, mean, sd = TRUE[:, t], MEAN[:, t], SD[:, t]
        assert list(row) == ["target", "rmse", "mae", "r2", "nll", "coverage", "support"]
        assert (row["target"], row["support"]) == (NAMES[t], 40)
        assert row["rmse"] == pytest.approx(sklearn_metrics.root_mean_squared_error(true, mean))
        assert row["mae"] == pytest.approx(sklearn_metrics.mean_absolute_error(true, mean))
        assert row["r2"] == pytest.approx(sklearn_metrics.r2_score(true, mean))
        assert row["nll"] == pytest.approx(-stats.norm(mean, sd).logpdf(true).mean())
        low, high = stats.norm(mean, sd).interval(0.95)
        assert row["coverage"] == np.mean((low <= true) & (true <= high))
    assert list(found) == ["rmse", "mae", "r2", "nll", "coverage", "per_target"]
    for key in ("rmse", "mae", "r2", "nll", "coverage"):
        assert found[key] == pytest.approx(np.mean([row[key] for row in rows]))
        assert {type(row[key]) for row in rows} == {type(found[key])} == {float}
    assert len({row["coverage"] for row in rows}) > 1, "the targets tell each other apart"


def test_coverage_counts_the_ends_of_the_interval() -> None:
    """True values 1.96 standard deviations away are in; a hair further is out."""
    z = float(stats.norm.ppf(0.975))
    true = np.array([[z * (1 - 1e-12)], [-z * (1 - 1e-12)], [z * (1 + 1e-9)], [0.0]])
    found = metrics.score_targets(np.zeros((4, 1)), np.ones((4, 1)), true, ("a",))
    assert found["coverage"] == 0.75


def test_a_constant_target_leaves_the_other_its_r2() -> None:
    """R2 of the constant one, and their mean, are None; the errors are numbers."""
    true = np.column_stack([np.full(4, 2.0), [1.0, 2.0, 3.0, 4.0]])
    mean = np.column_stack([[1.0, 2.0, 3.0, 2.0], [1.0, 2.0, 3.0, 3.0]])
    found = metrics.score_targets(mean, np.ones((4, 2)), true, ("still", "moving"))
    assert found["r2"] is None
    assert [row["r2"] for row in found["per_target"]] == [None, pytest.approx(1 - 1 / 5)]
    assert found["rmse"] == pytest.approx((math.sqrt(2 / 4) + math.sqrt(1 / 4)) / 2)
    assert found["mae"] == pytest.approx((2 / 4 + 1 / 4) / 2)
    assert found["nll"] is not None


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_numbers_follow_the_unit_of_the_target(unit: float) -> None:
    """Errors are multiplied by it; the share of the variance and the coverage stay; ln of it is added to the loss."""
    found, plain = (
        metrics.score_targets(unit * MEAN, unit * SD, unit * TRUE, NAMES),
        metrics.score_targets(MEAN, SD, TRUE, NAMES),
    )
    assert (found["rmse"], found["mae"]) == pytest.approx((unit * plain["rmse"], unit * plain["mae"]))
    assert (found["r2"], found["coverage"]) == pytest.approx((plain["r2"], plain["coverage"]))
    assert found["nll"] == pytest.approx(plain["nll"] + math.log(unit))


def test_without_deviations_there_is_no_likelihood() -> None:
    """Nor coverage, as a whole or of a target; the errors are the same."""
    found, full = metrics.score_targets(MEAN, None, TRUE, NAMES), metrics.score_targets(MEAN, SD, TRUE, NAMES)
    assert found["nll"] is None and found["coverage"] is None
    assert [(row["nll"], row["coverage"]) for row in found["per_target"]] == [(None, None)] * 3
    assert [found[key] for key in ("rmse", "mae", "r2")] == [full[key] for key in ("rmse", "mae", "r2")]


@pytest.mark.parametrize(
    ("mean", "true", "names"),
    [
        ((2, 2), (3, 2), "ab"),
        ((3, 2), (2, 2), "ab"),
        ((2, 2), (2, 2), "a"),
        ((2, 1), (2, 2), "ab"),
        ((0, 1), (0, 1), "a"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(mean: tuple[int, int], true: tuple[int, int], names: str) -> None:
    """Means, true values and names must be of one size, and there must be an example."""
    with pytest.raises(ValueError, match=r"(mean|true) has the shape .*, but must have .*: a row per example"):
        metrics.score_targets(np.ones(mean), None, np.ones(true), list(names))


def test_a_standard_deviation_of_another_shape_is_refused() -> None:
    """NumPy would repeat it, and the likelihoods would be wrong."""
    with pytest.raises(ValueError, match=r"sd has the shape \(3,\), but must have \(3, 1\)"):
        metrics.score_targets(np.ones((3, 1)), np.ones(3), np.ones((3, 1)), ["a"])


def test_numbers_are_worked_out_in_float64() -> None:
    """Float32 arrays have the numbers of the same values in float64, to the last bit."""
    mean, sd, true = (one.astype(np.float32) for one in (MEAN, SD, TRUE))
    wide, deviation, values = (one.astype(np.float64) for one in (mean, sd, true))
    assert metrics.score_targets(mean, sd, true, NAMES) == metrics.score_targets(wide, deviation, values, NAMES)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int8, np.uint16])
def test_predictions_and_true_values_are_taken_as_float64(kind: type) -> None:
    """They are converted from every type, so that no metric needs to: small integers would overflow."""
    values: Array = np.array([[100], [7]], kind)
    given = metrics.TargetPredictions.of(values, values, values)
    for one in (given.mean, given.sd, given.true):
        assert one is not None and one.dtype == np.float64 and one.tolist() == values.tolist()
    assert metrics.TargetPredictions.of(values, None, values).sd is None


def test_residuals_are_true_minus_predicted() -> None:
    """A line per example and target with nine digits; no sd column without an sd; names are made safe."""
    true, mean = np.array([[1.5, 2.0], [1 / 3, -4.0]]), np.array([[1.0, 2.5], [0.0, 1e-3]])
    rows = np.array([7, 3])
    assert metrics.residuals_csv(mean, np.array([[0.5, 0.25], [1, 2]]), true, rows, ("a", "=b")) == (
        b"row,target,true,predicted,sd,residual\n"
        b"7,a,1.5,1,0.5,0.5\n7,'=b,2,2.5,0.25,-0.5\n"
        b"3,a,0.333333333,0,1,0.333333333\n3,'=b,-4,0.001,2,-4.001\n"
    )
    assert metrics.residuals_csv(mean[:1], None, true[:1], rows[:1], ("a", "b")) == (
        b"row,target,true,predicted,sd,residual\n7,a,1.5,1,,0.5\n7,b,2,2.5,,-0.5\n"
    )

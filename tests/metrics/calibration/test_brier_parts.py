"""Decompositions of the Brier score."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_cli.metrics.calibration.brier_parts import corp_parts, murphy_parts

P = np.array([0.1, 0.15, 0.3, 0.35, 0.8, 0.9, 0.95, 0.6])[:, None]
Y = np.array([0, 1, 0, 0, 1, 1, 0, 1])[:, None]


def test_the_parts_of_eight_examples() -> None:
    """The worked example, with Murphy's five parts and the three of CORP."""
    assert murphy_parts(P, Y, 5) == pytest.approx((0.13171875, 0.125, 0.25, 0.00046875, 0), abs=1e-12)
    assert corp_parts(P, Y) == pytest.approx((0.08010417, 0.07291667, 0.25), abs=1e-8)


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 5), st.booleans())
def test_the_parts_add_up_to_the_brier_score(seed: int, n: int, classes: int, rounded: bool) -> None:
    """For any number of classes, also with ties; miscalibration and discrimination are never below 0."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(classes, 0.5), n)
    p = np.round(p, 1) if rounded else p
    y = np.eye(classes)[rng.integers(0, classes, n)]
    score = float(np.mean(np.sum((p - y) ** 2, axis=1)))
    corp, murphy = corp_parts(p, y), murphy_parts(p, y)
    assert corp.miscalibration - corp.discrimination + corp.uncertainty == pytest.approx(score, abs=1e-12)
    assert min(corp.miscalibration, corp.discrimination) > -1e-12
    total = murphy.reliability - murphy.resolution + murphy.uncertainty
    assert total + murphy.within_variance - murphy.within_covariance == pytest.approx(score, abs=1e-12)


def test_the_smallest_probabilities_have_parts() -> None:
    """Passes of a network that is sure have probabilities below 1e-308 for the other classes."""
    p = np.array([5e-324, 1e-310, 1e-300, 1.0])[:, None]
    y = np.array([0, 1, 0, 1])[:, None]
    # Recalibrated: 0, 1/2, 1/2, 1.
    assert corp_parts(p, y) == pytest.approx((0.25 - 0.125, 0.25 - 0.125, 0.25))


def test_recalibrated_probabilities_have_no_miscalibration() -> None:
    """The frequency of each group of equal probabilities is its probability, and they rise together."""
    p = np.repeat([0.25, 0.75], 4)[:, None]
    y = np.array([0, 0, 0, 1, 0, 1, 1, 1])[:, None]
    assert corp_parts(p, y).miscalibration == pytest.approx(0, abs=1e-12)

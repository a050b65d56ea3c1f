"""Noise from a table: the distribution it stands for, to the width of a slice."""

import numpy as np
import pytest
from scipy import stats

from dropout_cli.core.rng import stream
from dropout_cli.nn.backend.noise_tables import WORDS, draw_logistic, draw_normal

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
DRAWS = 10**6
SLICE = 1 / WORDS


def test_normal_noise_has_the_moments_of_the_normal_distribution() -> None:
    """The first four, within 5 standard errors of a million draws; skewness 0, kurtosis 3."""
    sample = draw_normal((DRAWS,), stream(0, "test"), FLOAT64)
    for power, moment, next_moment in ((1, 0, 1), (2, 1, 3), (3, 0, 15), (4, 3, 105)):
        error = np.sqrt((next_moment - moment**2) / DRAWS)
        assert abs((sample**power).mean() - moment) < 5 * error, power


def test_the_distribution_is_the_normal_one_to_the_width_of_a_slice() -> None:
    """Kolmogorov's distance of a million draws is what chance allows; each value is a quantile times 1.00001."""
    sample = draw_normal((DRAWS,), stream(1, "test"), FLOAT64)
    assert stats.kstest(sample, "norm").statistic < 1.95 / np.sqrt(DRAWS) + SLICE  # P < 1e-3 by chance
    values = np.unique(draw_normal((4 * DRAWS,), stream(2, "test"), FLOAT64))
    assert len(values) == WORDS
    assert np.abs(stats.norm.cdf(values) - (np.arange(WORDS) + 0.5) / WORDS).max() < SLICE
    assert values.var() == pytest.approx(1, abs=1e-12) and values.max() == pytest.approx(4.33, abs=0.01)
    assert values.mean() == pytest.approx(0, abs=1e-12)


def test_logistic_noise_is_the_logit_of_uniform_noise() -> None:
    """P(noise <= logit p) = p, and the largest magnitude is 11.8."""
    sample = draw_logistic((DRAWS,), stream(0, "test"), FLOAT64)
    for p in (0.001, 0.3, 0.5, 0.9):
        share = np.mean(sample <= np.log(p) - np.log1p(-p))
        assert abs(share - p) < 5 * np.sqrt(p * (1 - p) / DRAWS) + SLICE
    assert np.abs(sample).max() < 11.8


@pytest.mark.parametrize("draw", [draw_normal, draw_logistic])
def test_both_precisions_look_up_the_same_words(draw: type) -> None:
    """In shapes that are no multiple of four, into a given array or a new one."""
    one = draw((3, 7), stream(0, "test"), FLOAT64)
    out = np.empty((3, 7), np.float32)
    assert draw((3, 7), stream(0, "test"), FLOAT32, out=out) is out
    np.testing.assert_allclose(one, out, rtol=1e-6)
    assert np.array_equal(out, draw((3, 7), stream(0, "test"), FLOAT32))

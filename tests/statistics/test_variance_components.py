"""Variance components from an orthogonal array: the design, the method of moments, and the intervals."""

import itertools

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.variance_components import orthogonal_array, variance_components


@pytest.mark.parametrize("levels", [2, 3, 5, 7, 11])
def test_each_pair_of_levels_of_two_sources_occurs_in_one_run(levels: int) -> None:
    """That is the strength 2 of the array, with as many sources as there can be."""
    design = orthogonal_array(levels, levels + 1)
    assert design.shape == (levels**2, levels + 1)
    for one, other in itertools.combinations(design.T, 2):
        assert len({*zip(one.tolist(), other.tolist(), strict=True)}) == levels**2


@pytest.mark.parametrize(("levels", "sources"), [(6, 3), (1, 1), (9, 2), (7, 9), (7, 0)])
def test_other_numbers_have_no_such_array(levels: int, sources: int) -> None:
    """The number of levels is a prime, and a prime L has at most L + 1 sources."""
    with pytest.raises(ValueError, match=r"prime|sources"):
        orthogonal_array(levels, sources)


def mean_squares(results: Array, design: Array) -> list[float]:
    """The mean square of each source and of the residual, from nested least squares with a column for each level."""
    levels = int(design.max()) + 1
    residuals = []
    for chosen in (*itertools.combinations(range(design.shape[1]), design.shape[1] - 1), range(design.shape[1])):
        columns = [design[:, source] == level for source in chosen for level in range(levels)]
        table = np.stack([np.ones(len(results)), *columns], axis=1).astype(float)
        fitted = table @ np.linalg.lstsq(table, results, rcond=None)[0]
        residuals.append(float(((results - fitted) ** 2).sum()))
    *without, full = residuals
    freedom = levels**2 - 1 - design.shape[1] * (levels - 1)
    return [(one - full) / (levels - 1) for one in reversed(without)] + [full / freedom]


def test_the_parts_are_those_of_an_analysis_of_variance() -> None:
    """V_j = max(0, (MS_j - MS_e) / L), V_int = MS_e, with mean squares that least squares gives, too."""
    design = orthogonal_array(7, 4)
    rng = stream(0, "test:variance")
    results = sum(rng.normal(size=7)[column] * size for column, size in zip(design.T, (2, 1, 0, 0.5), strict=True))
    results = results + rng.normal(size=49)
    *mains, residual = mean_squares(results, design)
    found = variance_components(results, design)
    assert [one.variance for one in found.sources] == pytest.approx([max(0, (one - residual) / 7) for one in mains])
    assert found.interactions.variance == pytest.approx(residual)
    shares = [*(one.share for one in found.sources), found.interactions.share]
    assert sum(shares) == pytest.approx(1)
    assert found.total == pytest.approx(sum(one.variance for one in found.sources) + residual)


def test_a_result_of_one_source_is_of_that_source() -> None:
    """Without other effects its share and both ends of its interval are 1, and all other shares are 0."""
    design = orthogonal_array(5, 3)
    found = variance_components(np.array([3.0, 1, 4, 1, 5])[design[:, 2]], design)
    assert [one.share for one in found.sources] == [0, 0, 1] and found.interactions.share == 0
    assert found.sources[2].interval == (1, 1) and found.interactions.interval == (0, 0)
    assert found.total == pytest.approx(np.var([3, 1, 4, 1, 5], ddof=1))


def test_the_unit_and_the_origin_of_a_result_change_no_share() -> None:
    """An accuracy in percent has the shares of one in fractions; only the variances have the unit."""
    design = orthogonal_array(7, 5)
    results = stream(1, "test:variance").normal(size=49)
    one, other = variance_components(results, design), variance_components(50 + 100 * results, design)
    assert other.total == pytest.approx(10_000 * one.total)
    for part, same in zip((*one.sources, one.interactions), (*other.sources, other.interactions), strict=True):
        assert same.variance == pytest.approx(10_000 * part.variance)
        assert (same.share, *same.interval) == pytest.approx((part.share, *part.interval))


def test_equal_results_have_no_shares() -> None:
    """A variance of 0 has no parts, and no share is made up."""
    found = variance_components(np.full(25, 0.97), orthogonal_array(5, 4))
    assert found.total == 0
    assert all(np.isnan([one.share, *one.interval]).all() for one in (*found.sources, found.interactions))


def test_a_design_without_freedom_for_interactions_is_refused() -> None:
    """With L + 1 sources the level means explain everything."""
    with pytest.raises(ValueError, match="5 levels leave no degree of freedom beside 6 sources"):
        variance_components(np.arange(25.0), orthogonal_array(5, 6))

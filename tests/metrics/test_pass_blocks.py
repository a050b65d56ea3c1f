"""Blocks of passes: what is exact in the number of passes, and the correction of the mutual information."""

import itertools
import math
import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.metrics import pass_blocks, score_classes
from dropout_cli.metrics.finite_passes import ExpectedScore
from dropout_cli.metrics.monte_carlo import aggregate_passes
from dropout_cli.metrics.mutual_information import corrected_mutual_information
from dropout_cli.metrics.pass_blocks import ClassBlock, PassProbabilities, block_spread, round_counts, score_blocks
from dropout_cli.metrics.target_passes import TargetPasses

CLASSES = ("a", "b", "c")


def drawn(passes: int, examples: int = 6, spread: float = 2.0) -> tuple[Array, Array]:
    """Logits (passes, examples, 3) and labels."""
    rng = stream(passes, "test:logits")
    return rng.normal(0, spread, (passes, examples, 3)), rng.integers(0, 3, examples)


def brier(p: Array, labels: Array) -> float:
    """The Brier score, from its definition."""
    return float(np.mean(np.sum((p - np.eye(3)[labels]) ** 2, axis=1)))


def test_the_round_numbers_up_to_the_passes() -> None:
    """1, 2, 5 and their multiples by powers of ten; the number of passes is the last one."""
    assert round_counts(100) == (1, 2, 5, 10, 20, 50, 100)
    assert round_counts(2) == (1, 2) and round_counts(7) == (1, 2, 5, 7)
    assert round_counts(300) == (1, 2, 5, 10, 20, 50, 100, 200, 300)


def test_the_expected_brier_score_is_exact_in_the_number_of_passes() -> None:
    """E Brier_T = Brier_inf + V / T over all 3^T draws of T passes from a law with three equally likely outcomes."""
    logits, labels = drawn(3)
    p = special.softmax(logits, axis=2)
    limit = brier(p.mean(axis=0), labels)
    variance = float(p.var(axis=0).sum(axis=1).mean())
    for count in (1, 2, 3, 5):
        draws = itertools.product(range(3), repeat=count)
        expected = np.mean([brier(p[list(draw)].mean(axis=0), labels) for draw in draws])
        assert ExpectedScore(limit, variance).at(count) == pytest.approx(expected, rel=1e-12)


def test_a_few_passes_estimate_the_limit_and_the_variance_without_bias() -> None:
    """The mean of both estimates over all 3^4 series of four passes is the truth."""
    logits, labels = drawn(3)
    p = special.softmax(logits, axis=2)
    each = [brier(one, labels) for one in p]
    found = []
    for draw in itertools.product(range(3), repeat=4):
        single = float(np.mean([each[k] for k in draw]))
        found.append(ExpectedScore.estimate(single, brier(p[list(draw)].mean(axis=0), labels), 4))
    limit, variance = np.mean(found, axis=0)
    assert limit == pytest.approx(brier(p.mean(axis=0), labels), rel=1e-12)
    assert variance == pytest.approx(p.var(axis=0).sum(axis=1).mean(), rel=1e-12)


def test_the_predicted_score_is_the_mean_over_all_subsets_of_the_passes() -> None:
    """Seven passes, subsets of every size; the squared error of a regression follows the same law."""
    logits, labels = drawn(7)
    true = labels[:, None]
    scores: list[tuple[Array, Callable[[Array], float]]] = [
        (special.softmax(logits, axis=2), lambda mean: brier(mean, labels)),
        (logits[:, :, :1], lambda mean: float(np.mean((mean - true) ** 2))),
    ]
    for passes, score in scores:
        single = float(np.mean([score(one) for one in passes]))
        expected = ExpectedScore.estimate(single, score(passes.mean(axis=0)), 7)
        for count in range(1, 8):
            subsets = itertools.combinations(range(7), count)
            mean = np.mean([score(passes[list(subset)].mean(axis=0)) for subset in subsets])
            assert expected.at(count) == pytest.approx(mean, rel=1e-12)


def test_a_block_has_the_scores_of_its_combined_passes() -> None:
    """Error, NLL, Brier score, ECE and mutual information of 5 of 7 passes; the last two are left out."""
    logits, labels = drawn(7, examples=40)
    passes = (PassProbabilities(one, labels) for one in logits.astype(np.float32))
    found = score_blocks(passes, (1, 3, 5), lambda _: ClassBlock(labels, CLASSES))
    assert {size: len(scores) for size, scores in found.items()} == {1: 7, 3: 2, 5: 1}
    for size, start in ((5, 0), (3, 3), (1, 6)):
        combined = aggregate_passes(logits[start : start + size].astype(np.float32))
        scores = score_classes(combined.probabilities, labels, CLASSES, combined.log_probabilities)
        block = found[size][start // size]
        for name in ("error", "nll", "brier", "ece"):
            assert block[name] == pytest.approx(scores[name], rel=1e-13), name
        assert block["mutual_information"] == pytest.approx(combined.mutual_information.mean(), rel=1e-12, abs=1e-15)
    assert math.isnan(found[1][0]["mutual_information_corrected"])


def test_memory_does_not_grow_with_the_passes() -> None:
    """Ten times as many passes need less than one more array of probabilities per number of passes."""
    labels, peaks = np.arange(20_000) % 3, []

    def passes(count: int) -> Iterator[PassProbabilities]:
        for number in range(count):
            yield PassProbabilities(stream(number, "test:logits").normal(0, 2, (len(labels), 3)), labels)

    for count in (20, 200):
        tracemalloc.start()
        score_blocks(passes(count), (1, 2, 5, 10), lambda _: ClassBlock(labels, CLASSES))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 4 * labels.size * 3 * 8


def test_the_nll_is_finite_where_all_probabilities_of_the_label_round_to_0() -> None:
    """Two passes that are sure of the wrong class: the loss is the gap of the logits."""
    labels = np.array([1])
    block = ClassBlock(labels, CLASSES)
    for _ in range(2):
        block.add(PassProbabilities(np.array([[2000.0, 0.0, 0.0]]), labels))
    assert block.scores()["nll"] == 2000


def test_a_spread_needs_five_blocks() -> None:
    """The sample standard deviation of five values; None for four, whose mean is still given."""
    scores = [{"error": value} for value in (0.1, 0.2, 0.3, 0.4, 0.7)]
    mean, sd = block_spread(scores, "error")
    assert mean == pytest.approx(0.34) and sd == pytest.approx(np.std([1, 2, 3, 4, 7], ddof=1) / 10)
    mean, sd = block_spread(scores[:4], "error")
    assert mean == pytest.approx(0.25) and sd is None
    assert pass_blocks.MIN_BLOCKS == 5


def test_the_worked_mutual_information() -> None:
    """Two passes (.9, .1) and (.5, .5)."""
    p = np.array([[[0.9, 0.1]], [[0.5, 0.5]]])
    combined = aggregate_passes(np.log(p))
    plain = combined.mutual_information
    assert plain[0] == pytest.approx(0.10174923, abs=5e-9)
    corrected = corrected_mutual_information(plain, combined.predictive_entropy, 2)
    assert corrected[0] == pytest.approx(0.20349845, abs=1e-8)


def test_the_corrected_mutual_information_is_at_most_the_entropy() -> None:
    """Two opposed passes have ln 2 of both, which the factor 2 does not double; one pass has no estimate."""
    plain = np.array([math.log(2), -1e-17, 0.0])
    entropy = np.array([math.log(2), 0.0, -2e-16])  # a sure prediction, whose probability rounds to more than 1
    assert corrected_mutual_information(plain, entropy, 2).tolist() == [math.log(2), 0.0, 0.0]
    with pytest.raises(ValueError, match="passes must be at least 2, got 1"):
        corrected_mutual_information(plain, entropy, 1)


def test_the_correction_brings_few_passes_close_to_many() -> None:
    """Over all draws of two of three outcomes, the plain value is 3 times as far from the truth as the corrected."""
    p = special.softmax(drawn(3, spread=0.7)[0], axis=2)
    truth = stats.entropy(p.mean(axis=0), axis=1) - stats.entropy(p, axis=2).mean(axis=0)
    plain, corrected = [], []
    for draw in itertools.product(range(3), repeat=2):
        combined = aggregate_passes(np.log(p[list(draw)]))
        plain.append(combined.mutual_information)
        corrected.append(corrected_mutual_information(plain[-1], combined.predictive_entropy, 2))
    bias, remaining = (np.abs(np.mean(one, axis=0) - truth).mean() for one in (plain, corrected))
    assert bias == pytest.approx(truth.mean() / 2, rel=0.1) and remaining < bias / 3


@given(st.integers(1, 6), st.integers(0, 99), st.floats(0.1, 300))
def test_mutual_information_is_between_0_and_the_entropy(passes: int, seed: int, spread: float) -> None:
    """The entropy of the mean is at least the mean entropy; a difference below 0 is rounding."""
    logits = stream(seed, "test:logits").normal(0, spread, (passes, 8, 4))
    found = aggregate_passes(logits)
    assert (found.predictive_entropy - found.expected_entropy).min() > -1e-12
    assert found.mutual_information.min() >= 0
    assert (found.predictive_entropy - found.mutual_information).min() > -1e-12
    if passes > 1:
        corrected = corrected_mutual_information(found.mutual_information, found.predictive_entropy, passes)
        assert (corrected >= 0).all() and (corrected <= np.maximum(found.predictive_entropy, 0)).all()


def test_sums_of_a_regression_follow_the_law_of_total_variance() -> None:
    """Mean, variance of the means, mean variance and log-mean-exp of four passes."""
    rng = stream(0, "test:targets")
    means, sds, true = rng.normal(1e6, 1, (4, 5, 2)), rng.uniform(0.5, 2, (4, 5, 2)), rng.normal(1e6, 1, (5, 2))
    sums = TargetPasses()
    for mean, sd in zip(means, sds, strict=True):
        sums.add(mean, sd, stats.norm.logpdf(true, mean, sd))
    np.testing.assert_allclose(sums.mean, means.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(sums.model_sd, means.std(axis=0), rtol=1e-9)
    np.testing.assert_allclose(sums.noise_sd, np.sqrt((sds**2).mean(axis=0)), rtol=1e-14)
    mixture = -np.log(stats.norm.pdf(true, means, sds).mean(axis=0)).mean()
    assert sums.nll_log_mean_exp == pytest.approx(mixture, rel=1e-12)

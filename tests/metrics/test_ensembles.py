"""Ensembles: averages, disagreement, ambiguity decompositions, and random subsets."""

from typing import NamedTuple

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.metrics import ensembles, monte_carlo
from dropout_cli.nn import losses

HIDDEN = np.array([[1, 0, 2, 0.5, 0, 1], [0, 1, 0.5, 0, 2, 1]])
W = np.array([[1, -1, 0], [0, 1, -1], [0.5, 0, -0.5], [-1, 1, 0], [0, -0.5, 0.5], [0.2, 0, -0.2]])
B = np.array([0, 0.1, -0.1])
LABELS = np.array([0, 1])
"""Six units below a linear softmax layer, two examples, three classes."""


def over_all_masks(keep: float) -> ensembles.ClassEnsemble:
    """Return the ensemble of all 2^6 masked networks, each with the probability of its mask."""
    masks, weights = ensembles.all_masks([keep] * 6)
    logits = ((mask * HIDDEN / keep) @ W + B for mask in masks)
    return ensembles.aggregate_classifiers(map(losses.log_softmax, logits), LABELS, weights.tolist())


class Members(NamedTuple):
    """Random networks."""

    logps: Array
    labels: Array


def random_members(count: int = 7, examples: int = 40, classes: int = 4) -> Members:
    """Return log-probabilities (K, N, C) and labels."""
    rng = stream(1, "test:members")
    logits = 2 * rng.standard_normal((count, examples, classes))
    return Members(np.array([losses.log_softmax(one) for one in logits]), rng.integers(classes, size=examples))


def test_the_worked_example_of_all_masks_at_keep_one_half() -> None:
    """All 64 masks have equal weight; every number was computed independently."""
    found = over_all_masks(0.5)

    def close(values: Array, *expected: float) -> None:
        np.testing.assert_allclose(np.ravel(values), expected, atol=6e-9)

    close(found.probabilities[:, :2], 0.69032331, 0.22121133, 0.35110214, 0.37881392)
    close(found.geometric_mean[:, :2], 0.85306509, 0.1044633, 0.48249333, 0.3400073)
    close(found.predictive_entropy, 0.80409933, 1.08875539)
    close(found.expected_entropy, 0.52893969, 0.78892711)
    close(found.information, 0.27515964, 0.29982829)
    close(found.votes, 0.75, 0.25, 0, 0.375, 0.375, 0.25)
    close(found.vote_ratio, 0.25, 0.625)
    close(found.disagreement, 0.375, 0.65625)
    close(found.expected_losses, 0.54991916, 1.53347346)
    close(found.losses_of(found.log_probabilities), 0.37059523, 0.97071016)
    close(found.losses_of(found.log_geometric_mean), 0.15891943, 1.07878819)
    close(found.expected_losses - found.losses_of(found.log_probabilities), 0.17932393, 0.5627633)
    close(-found.log_normalizer, 0.39099973, 0.45468527)
    close(found.expected_brier, 0.31336129, 0.76635268)
    close(found.brier_of(found.probabilities), 0.15266023, 0.58209019)
    close(found.variances, 0.16070107, 0.18426249)


def test_the_lowest_class_wins_a_tie_of_votes() -> None:
    """Example 2 has .375 of the votes for each of two classes."""
    assert over_all_masks(0.5).vote.tolist() == [0, 0]


def test_masks_are_weighted_by_their_probability() -> None:
    """At rate .25 a mask that keeps k of 6 units has the weight .75^k .25^(6 - k)."""
    masks, weights = ensembles.all_masks([0.75] * 6)
    np.testing.assert_allclose(weights, 0.75 ** masks.sum(axis=1) * 0.25 ** (6 - masks.sum(axis=1)), rtol=1e-14)
    assert weights.sum() == pytest.approx(1, abs=1e-14) and len(np.unique(masks, axis=0)) == 64
    np.testing.assert_allclose(over_all_masks(0.75).probabilities[0, :2], [0.77616497, 0.1577503], atol=6e-9)


@pytest.mark.parametrize("keep", [0.5, 0.75])
def test_the_geometric_mean_over_all_masks_is_weight_scaling_for_one_softmax_layer(keep: float) -> None:
    """A mask of mean 1 leaves the mean logits, and their softmax is the geometric mean; the arithmetic is not."""
    scaled = losses.softmax(HIDDEN @ W + B)
    found = over_all_masks(keep)
    np.testing.assert_allclose(found.geometric_mean, scaled, atol=1e-14)
    assert np.abs(found.probabilities - scaled).max() > 0.05


def test_every_decomposition_of_classifiers_adds_up() -> None:
    """The mean loss of single networks is the loss of the average plus an ambiguity that is not negative."""
    logps, labels = random_members()
    found = ensembles.aggregate_classifiers(logps, labels)
    for one in (found.brier, found.arithmetic_cross_entropy, found.geometric_cross_entropy):
        assert one.single == pytest.approx(one.average + one.ambiguity, abs=1e-12) and one.ambiguity > 0
    # Each ambiguity from its own formula.
    p = np.exp(logps)
    assert found.brier.ambiguity == pytest.approx(((p - p.mean(axis=0)) ** 2).sum(axis=2).mean(), abs=1e-12)
    divergence = (found.geometric_mean * (found.log_geometric_mean - logps)).sum(axis=2)
    assert found.geometric_cross_entropy.ambiguity == pytest.approx(divergence.mean(), abs=1e-12)
    ratios = np.log(p.mean(axis=0)) - logps
    expected = ratios[:, np.arange(len(labels)), labels].mean()
    assert found.arithmetic_cross_entropy.ambiguity == pytest.approx(expected, abs=1e-12)


def test_only_the_ambiguity_of_the_geometric_mean_is_free_of_labels() -> None:
    """Other labels change the ambiguity of the arithmetic mean, and leave the others as they are."""
    logps, labels = random_members()
    one, other = (ensembles.aggregate_classifiers(logps, given) for given in (labels, (labels + 1) % 4))
    assert one.geometric_cross_entropy.ambiguity == other.geometric_cross_entropy.ambiguity
    assert one.brier.ambiguity == other.brier.ambiguity
    assert one.arithmetic_cross_entropy.ambiguity != pytest.approx(other.arithmetic_cross_entropy.ambiguity, rel=1e-3)


def test_the_squared_error_of_numbers_adds_up() -> None:
    """Predictions 1, 2 and 6 of 2.5 have the mean error 59/12; their mean has .25, and the rest is their variance."""
    found = ensembles.aggregate_regressors([np.array([[f]]) for f in (1.0, 2.0, 6.0)], np.array([[2.5]]))
    (each,) = found.squared_error
    assert each == pytest.approx((4.916667, 0.25, 4.666667), abs=5e-7)
    rng = stream(2, "test:numbers")
    means, true = 1e3 + rng.standard_normal((6, 30, 2)), 1e3 + rng.standard_normal((30, 2))
    for target in ensembles.aggregate_regressors(means, true).squared_error:
        assert target.single == pytest.approx(target.average + target.ambiguity, abs=1e-12)


def test_an_ensemble_of_passes_has_the_uncertainties_of_monte_carlo() -> None:
    """Mean, geometric mean, entropies and variation ratio of equal weights are those of `aggregate_passes`."""
    logps, labels = random_members()
    found, passes = ensembles.aggregate_classifiers(logps, labels), monte_carlo.aggregate_passes(logps)
    for mine, theirs in (
        (found.probabilities, passes.probabilities),
        (found.geometric_mean, passes.geometric_mean),
        (found.information, passes.mutual_information),
        (found.vote_ratio, passes.variation_ratio),
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)


def test_the_disagreement_of_pairs_is_that_of_two_draws_without_replacement() -> None:
    """The share of pairs of K networks that differ is K / (K - 1) (1 - sum v_c^2)."""
    logps, labels = random_members()
    predicted = logps.argmax(axis=2)
    pairs = [(predicted[i] != predicted[j]).mean() for i in range(7) for j in range(i)]
    found = ensembles.aggregate_classifiers(logps, labels).disagreement.mean()
    assert found * 7 / 6 == pytest.approx(np.mean(pairs), abs=1e-12)


def test_the_subset_of_all_networks_has_the_scores_of_the_average_of_all() -> None:
    """The curve ends at the average of all K networks, and begins at the mean of the single ones."""
    logps, labels = random_members()
    found = ensembles.aggregate_classifiers(logps, labels)
    rng = stream(0, "test:subsets")
    every = ensembles.score_class_subsets(np.exp(logps), labels, ensembles.choose_subsets(7, 7, 50, rng))
    assert every["nll"] == pytest.approx([found.arithmetic_cross_entropy.average], abs=1e-12)
    assert every["error"] == pytest.approx([(found.probabilities.argmax(axis=1) != labels).mean()], abs=1e-12)
    singles = ensembles.score_class_subsets(np.exp(logps), labels, ensembles.choose_subsets(7, 1, 50, rng))
    assert len(singles["nll"]) == 7
    assert singles["nll"].mean() == pytest.approx(found.arithmetic_cross_entropy.single, abs=1e-12)
    means, true = stream(3, "test:x").standard_normal((5, 30, 2)), stream(3, "test:y").standard_normal((30, 2))
    (rmse,) = ensembles.score_number_subsets(means, true, ensembles.choose_subsets(5, 5, 9, rng))["rmse"]
    targets = ensembles.aggregate_regressors(means, true).squared_error
    assert rmse == pytest.approx(np.mean([np.sqrt(each.average) for each in targets]), abs=1e-12)


def test_blocks_of_examples_change_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block of one example gives the scores of one block of all."""
    logps, labels = random_members()
    subsets = ensembles.choose_subsets(7, 3, 10, stream(0, "test:subsets"))
    whole = ensembles.score_class_subsets(np.exp(logps), labels, subsets)
    monkeypatch.setattr("dropout_cli.metrics.ensembles.subsets.BLOCK", 1)
    single = ensembles.score_class_subsets(np.exp(logps), labels, subsets)
    for name in ("error", "nll"):
        np.testing.assert_allclose(single[name], whole[name], rtol=1e-12)


def test_random_subsets_differ_and_take_every_network_equally_often() -> None:
    """Each of 20 networks is in 5 of 20 of the subsets, up to 5 standard deviations of that share."""
    subsets = ensembles.choose_subsets(20, 5, 400, stream(0, "test:subsets"))
    assert subsets.shape == (400, 20) and (subsets.sum(axis=1) == 5).all()
    assert len(np.unique(subsets, axis=0)) == 400
    assert np.abs(subsets.mean(axis=0) - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 400)
    assert len(ensembles.choose_subsets(5, 2, 10, stream(0, "test:subsets"))) == 10  # all of them


def test_sizes_of_subsets_go_from_one_to_all() -> None:
    """They are about evenly spaced on a logarithmic axis."""
    assert ensembles.subset_sizes(1) == [1]
    assert ensembles.subset_sizes(20) == [1, 2, 3, 5, 7, 10, 14, 20]
    assert ensembles.subset_sizes(150)[-4:] == [70, 100, 140, 150]

"""The truths of simulated experiments are what many more seeds, splits, examples and pools give."""

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from tests.statistics.structural import Learner, many_splits, one_split

LEARNERS = {
    "mixed": Learner(),
    "linear": Learner(linear=0.6, whole=0, example=0, seed=0.02, shared_seed=0.02, noise=0.05),
    "noisy": Learner(seed=0.4, shared_seed=0.3, noise=0.6, whole=0.3),
}
ACCURACIES = np.array([0.75, 0.85, 0.95])
learners = pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)


def near(values: Array, truth: Array | float) -> bool:
    """Return True if the mean over the last axis is within 5 standard errors of the truth, plus 1e-4."""
    error = values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1])
    return bool(np.all(np.abs(values.mean(axis=-1) - truth) < 5 * error + 1e-4))


@learners
def test_the_truth_of_these_examples_is_the_mean_over_seeds(learner: Learner) -> None:
    """On one training set, whatever examples were drawn."""
    shape = {"repetitions": 4, "seeds": 4_000, "examples": 36}
    for made in one_split(learner, ACCURACIES, rng=stream(0, "test"), **shape):
        assert made.right.shape[1:] == (3, 4_000, 36)
        assert near(made.right.mean(axis=-1), made.these)


@learners
def test_the_truth_of_new_examples_is_the_mean_over_training_sets_and_examples(learner: Learner) -> None:
    """Given the training set; over training sets it is the accuracy that was asked for."""
    shape = {"repetitions": 4_000, "seeds": 2, "examples": 36}
    made = list(one_split(learner, ACCURACIES, rng=stream(1, "test"), **shape))
    scores = np.concatenate([one.right.mean(axis=(2, 3)) for one in made])
    these, new = (np.concatenate([getattr(one, name) for one in made]) for name in ("these", "new"))
    assert near((scores - new).T, 0.0) and near((these - new).T, 0.0)
    assert near(new.T, ACCURACIES)
    high = new > np.median(new, axis=0)  # training sets that are better than others, by their truth and their scores
    for setting, better in enumerate(high.T):
        assert near((scores - new)[better, setting], 0.0)


@learners
def test_the_truth_of_a_pool_is_the_mean_over_splits(learner: Learner) -> None:
    """Training sets of one pool share examples, so that its truth differs from that of other pools."""
    pools = []
    for made in many_splits(learner, ACCURACIES, repetitions=4, splits=4_000, examples=12, rng=stream(2, "test")):
        assert near(made.scores[..., 0], made.pool)
        pools.append(made.pool)
    assert np.ptp(np.concatenate(pools), axis=0).min() > 0.01


@learners
@pytest.mark.parametrize("crossed", [False, True])
def test_the_truth_of_a_pool_does_not_depend_on_its_seeds(learner: Learner, crossed: bool) -> None:
    """Scores less the truth are 0 on average, whether splits share seeds or not."""
    gaps = []
    for made in many_splits(
        learner,
        ACCURACIES,
        repetitions=3_000,
        splits=3,
        seeds=2,
        examples=12,
        crossed=crossed,
        rng=stream(3, "test"),
    ):
        assert made.scores.shape[1:] == (3, 3, 2) and made.new.tolist() == ACCURACIES.tolist()
        gaps.append(made.scores.mean(axis=(2, 3)) - made.pool)
    assert near(np.concatenate(gaps).T, 0.0)


@learners
def test_the_truth_of_new_data_is_the_mean_over_pools(learner: Learner) -> None:
    """That of the pools, and that of their splits."""
    made = list(many_splits(learner, ACCURACIES, rng=stream(4, "test"), repetitions=4_000, splits=2, examples=12))
    assert near(np.concatenate([one.scores.mean(axis=(2, 3)) for one in made]).T, ACCURACIES)
    assert near(np.concatenate([one.pool for one in made]).T, ACCURACIES)


def test_seeds_that_are_shared_have_an_effect_on_all_splits() -> None:
    """Means over splits differ between seeds only where all splits have the same."""
    learner, spread = Learner(seed=0.5, shared_seed=0.5), {}
    shape = {"repetitions": 1, "splits": 60, "seeds": 20, "examples": 60}
    for crossed in (False, True):
        (made,) = many_splits(learner, ACCURACIES, crossed=crossed, rng=stream(5, "test"), **shape)
        spread[crossed] = made.scores.mean(axis=2).std(axis=-1).min()
    assert spread[True] > 3 * spread[False]

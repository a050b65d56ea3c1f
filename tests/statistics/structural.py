"""Simulated experiments with known truth: a network is right if a sum is above 0.

    right  where  mu_k + margin_i + difficulty_ik + training_k + training_ik + seed_sk + noise_iks > 0

for example i, setting k and seed s. All effects are normal. Given some of them, the share of right answers is therefore
a normal distribution function, scaled by the standard deviation of the others. The effect of a training set on all
examples has a part that is linear in its examples, sqrt(n) times their mean: training sets with common examples share
a part of this effect.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array

PARTS = 4
"""Number of parts of a pool of examples; one is the test part, the others are the training set."""
SPLIT_RATIO = 1 / (PARTS - 1)
CHUNK = 2_000_000
"""Elements of the largest array."""


@dataclass(frozen=True)
class Learner:
    """Standard deviations of the effects."""

    margin: float = 1.0
    difficulty: float = 0.3
    linear: float = 0.05
    """Effect of a training set on all examples: the part that is linear in its examples."""
    whole: float = 0.05
    """Effect of a training set on all examples: the rest."""
    example: float = 0.2
    """Effect of a training set on one example."""
    shared_seed: float = 0.05
    """Effect of a seed that is the same in all settings."""
    seed: float = 0.1
    noise: float = 0.3

    @property
    def run(self) -> float:
        """Variance between runs on one training set."""
        return self.shared_seed**2 + self.seed**2 + self.noise**2

    @property
    def between_examples(self) -> float:
        """Variance between examples for one training set."""
        return self.margin**2 + self.difficulty**2 + self.example**2

    def centers(self, accuracies: Array) -> Array:
        """Return mu_k for given mean accuracies on new data, shape (settings,)."""
        total = self.between_examples + self.linear**2 + self.whole**2 + self.run
        return np.asarray(ndtri(accuracies) * math.sqrt(total))


class OneSplit(NamedTuple):
    """Experiments with one training set and one test part each."""

    right: Array
    """True if the answer is right; shape (experiments, settings, seeds, examples), bool."""
    these: Array
    """Mean accuracy over all seeds on these examples, shape (experiments, settings)."""
    new: Array
    """Mean accuracy over all seeds on all examples of this kind, shape (experiments, settings)."""


class ManySplits(NamedTuple):
    """Experiments with many random splits of a pool of examples each."""

    scores: Array
    """Accuracies, shape (experiments, settings, splits, seeds)."""
    pool: Array
    """Mean over all splits of these examples and all seeds, shape (experiments, settings)."""
    new: Array
    """Mean over new pools, shape (settings,)."""


def one_split(
    learner: Learner, accuracies: Array, *, repetitions: int, seeds: int, examples: int, rng: Generator
) -> Iterator[OneSplit]:
    """Simulate experiments with one training set, in chunks.

    Args:
        learner: The effects.
        accuracies: Mean accuracies on new data, shape (settings,).
        repetitions: Number of experiments.
        seeds: Number of seeds of each experiment.
        examples: Number of test examples.
        rng: Draws all effects.
    """
    settings = len(accuracies)
    mu = learner.centers(accuracies)[:, None]
    for count in _chunks(repetitions, settings * seeds * examples):
        training = _normal(rng, math.hypot(learner.linear, learner.whole), (count, settings))
        fixed = mu + training[..., None] + _normal(rng, learner.margin, (count, 1, examples))
        fixed = fixed + _normal(rng, math.hypot(learner.difficulty, learner.example), (count, settings, examples))
        run = _seeds(learner, (count, settings, seeds), rng)[..., None]
        noise = _normal(rng, learner.noise, (count, settings, seeds, examples))
        new = ndtr((mu[:, 0] + training) / math.sqrt(learner.between_examples + learner.run))
        yield OneSplit(fixed[:, :, None] + run + noise > 0, ndtr(fixed / math.sqrt(learner.run)).mean(axis=-1), new)


def many_splits(
    learner: Learner,
    accuracies: Array,
    *,
    repetitions: int,
    splits: int,
    seeds: int = 1,
    examples: int,
    crossed: bool = False,
    rng: Generator,
) -> Iterator[ManySplits]:
    """Simulate experiments with many random splits, in chunks.

    Args:
        learner: The effects.
        accuracies: Mean accuracies on new data, shape (settings,).
        repetitions: Number of experiments.
        splits: Number of random splits of each pool.
        seeds: Number of seeds per split.
        examples: Number of test examples of a split; the pool has `PARTS` times as many.
        crossed: True if all splits have the same seeds.
        rng: Draws all effects.
    """
    settings, size = len(accuracies), PARTS * examples
    trained = size - examples
    mu = learner.centers(accuracies)
    for count in _chunks(repetitions, settings * splits * max(size, seeds * examples)):
        own = mu[:, None] + _normal(rng, learner.margin, (count, 1, size))
        own = own + _normal(rng, learner.difficulty, (count, settings, size))
        pull = _normal(rng, learner.linear * math.sqrt(trained), (count, settings, size))  # on training sets

        order = rng.random((count, splits, size)).argpartition(examples, axis=-1)
        test = order[:, None, :, :examples]  # (experiments, 1, splits, examples)
        left = np.take_along_axis(pull[:, :, None], test, axis=-1).sum(axis=-1)
        training = (pull.sum(axis=-1, keepdims=True) - left) / trained
        training = training + _normal(rng, learner.whole, (count, settings, splits))
        fixed = np.take_along_axis(own[:, :, None], test, axis=-1) + training[..., None]
        fixed = fixed + _normal(rng, learner.example, fixed.shape)
        if crossed:
            run = _seeds(learner, (count, settings, seeds), rng)[:, :, None]
        else:
            run = _seeds(learner, (count, settings, splits * seeds), rng).reshape(count, settings, splits, seeds)
        noise = _normal(rng, learner.noise, (count, settings, splits, seeds, examples))
        scores = (fixed[:, :, :, None] + run[..., None] + noise > 0).mean(axis=-1)
        yield ManySplits(scores, _of_pool(learner, own, pull, trained), np.asarray(accuracies))


def _of_pool(learner: Learner, own: Array, pull: Array, trained: int) -> Array:
    """Return the mean over all splits.

    Training sets are drawn without replacement from the other examples.
    """
    size = own.shape[-1]
    rest = (pull.sum(axis=-1, keepdims=True) - pull) / (size - 1)
    squares = ((pull**2).sum(axis=-1, keepdims=True) - pull**2) / (size - 1)
    spread = (squares - rest**2) * (size - 1) / (size - 2) / trained * (1 - trained / (size - 1))
    total = np.sqrt(spread + learner.whole**2 + learner.example**2 + learner.run)
    return np.asarray(ndtr((own + rest) / total).mean(axis=-1))


def _seeds(learner: Learner, shape: tuple[int, int, int], rng: Generator) -> Array:
    """Draw the effects of seeds, shape (experiments, settings, seeds)."""
    count, _, seeds = shape
    return _normal(rng, learner.shared_seed, (count, 1, seeds)) + _normal(rng, learner.seed, shape)


def _normal(rng: Generator, sd: float, shape: tuple[int, ...]) -> Array:
    return rng.normal(0, sd, shape) if sd else np.zeros(shape)


def _chunks(repetitions: int, size: int) -> Iterator[int]:
    """Yield numbers of repetitions that keep arrays small."""
    most = max(1, CHUNK // size)
    for begin in range(0, repetitions, most):
        yield min(most, repetitions - begin)

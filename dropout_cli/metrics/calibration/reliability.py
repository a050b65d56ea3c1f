"""Data of a reliability diagram: accuracy against confidence, bin by bin.

A bin's accuracy has its Wilson interval. The null band is the range in which it falls in 95 % of all cases if the
probabilities are right.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.calibration.bins import BINS, bin_means, equal_width_bins
from dropout_cli.metrics.ece_by_chance import expected_range
from dropout_cli.statistics import wilson_interval


def reliability_columns(confidence: Array, right: Array, count: int = BINS) -> Mapping[str, list[Any]]:
    """Return columns of numbers, with a row for each bin of equal width that has examples.

    Args:
        confidence: (N,) probabilities of the predicted classes.
        right: (N,) bool: True for examples that are right.
        count: Number of bins.
    """
    bins = equal_width_bins(confidence, count)
    means = bin_means(confidence, right, bins)
    places = np.unique(bins)
    examples = means.examples.tolist()
    number_right = np.rint(means.accuracy * means.examples).astype(int).tolist()
    intervals = [wilson_interval(some, n) for some, n in zip(number_right, examples, strict=True)]
    band = [expected_range(confidence[bins == place]) for place in places]
    return {
        "above": (places / count).tolist(),
        "up_to": ((places + 1) / count).tolist(),
        "examples": examples,
        "share": means.shares.tolist(),
        "confidence": means.confidence.tolist(),
        "accuracy": means.accuracy.tolist(),
        "accuracy_low": [interval.low for interval in intervals],
        "accuracy_high": [interval.high for interval in intervals],
        "band_low": [low / n for (low, _), n in zip(band, examples, strict=True)],
        "band_high": [high / n for (_, high), n in zip(band, examples, strict=True)],
    }

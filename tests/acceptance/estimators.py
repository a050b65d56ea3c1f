"""`DropoutClassifier` at rate 0 beside scikit-learn's `MLPClassifier` on digits: accuracy and time of a fit.

Both have the same sizes and settings, see the same split for a seed, and train with one thread, with which scikit-learn
is faster here than with two.
"""

import statistics
import time
import warnings
from typing import Any

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from dropout_cli.estimators import DropoutClassifier
from dropout_cli.statistics import t_interval
from tests.acceptance.bars import Bars

COMMAND = "python -m tests.acceptance.estimators   DropoutClassifier(rate=0) of dropout / MLPClassifier()"
SEEDS = 10


def fit(model: Any, parts: Any) -> tuple[float, float]:
    """Return the test accuracy and the seconds of a fit."""
    x_train, x_test, y_train, y_test = parts
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        began = time.perf_counter()
        model.fit(x_train, y_train)
        seconds = time.perf_counter() - began
    return model.score(x_test, y_test), seconds


if __name__ == "__main__":
    bars = Bars("estimators")
    x, y = load_digits(return_X_y=True)
    ours, theirs = [], []
    settings: dict[str, Any] = {"max_iter": 2} if bars.smoke else {}
    for seed in range(2 if bars.smoke else SEEDS):
        parts = train_test_split(x / 16, y, test_size=0.2, stratify=y, random_state=seed)
        pair = [DropoutClassifier(rate=0, random_state=seed, **settings), MLPClassifier(random_state=seed, **settings)]
        # In alternation, each first in every second round, so that a busy machine slows both.
        order = (0, 1) if seed % 2 else (1, 0)
        found = {place: fit(pair[place], parts) for place in order}
        ours.append(found[0])
        theirs.append(found[1])
    differences = [mine - other for (mine, _), (other, _) in zip(ours, theirs, strict=True)]
    low, high = t_interval(differences)
    bars.at_least("difference in accuracy, low end of the paired 95 % interval", low, -0.01, COMMAND)
    bars.at_most("difference in accuracy, high end of the paired 95 % interval", high, 0.01, COMMAND)
    medians = [statistics.median(seconds for _, seconds in fits) for fits in (ours, theirs)]
    bars.at_most("seconds of a fit, ratio of the medians", medians[0] / medians[1], 1, COMMAND)
    bars.end()

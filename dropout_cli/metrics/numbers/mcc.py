"""Matthews' correlation coefficient: 1 where all is right, 0 for guesses that know nothing, at least -1.

It takes all cells of the confusion matrix into account, and so is not fooled by classes of different sizes
(Matthews 1975; of several classes, Gorodkin 2004). It is 0 where labels or predictions are all of one class.
"""

import numpy as np

from dropout_cli.metrics.registry import Metric, register
from dropout_cli.metrics.scored import Classes


def mcc(given: Classes) -> float:
    """The correlation of labels and predictions."""
    from sklearn.metrics import matthews_corrcoef

    if len(np.union1d(given.labels, given.predicted)) < 2:
        return 0.0  # scikit-learn's value, without its warning
    return float(matthews_corrcoef(given.labels, given.predicted))


register(Metric("mcc", "Matthews' correlation (MCC)", True, "labels", mcc))

"""Matthews' correlation coefficient: 1 if all is right, about 0 for guesses, at least -1.

It uses the whole confusion matrix, so unequal class sizes do not raise it (Matthews 1975; for several classes, Gorodkin
2004). It is 0 if all labels or all predictions are of one class.
"""

import numpy as np

from dropout_cli.metrics.predictions import ClassPredictions
from dropout_cli.metrics.registry import Metric, register_metrics


def mcc(given: ClassPredictions) -> float:
    """Return the correlation of labels and predictions."""
    from sklearn.metrics import matthews_corrcoef

    if len(np.union1d(given.labels, given.predicted)) < 2:
        return 0.0  # scikit-learn returns the same with a warning
    return float(matthews_corrcoef(given.labels, given.predicted))


register_metrics(Metric("mcc", "Matthews' correlation (MCC)", True, "labels", mcc))

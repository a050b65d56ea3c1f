"""Estimators of scikit-learn that train the networks of this package.

This is the only package whose modules import scikit-learn at their top: its classes are the bases. Nothing imports it
before it is used.
"""

from dropout_cli.estimators.classifier import DropoutClassifier
from dropout_cli.estimators.regressor import DropoutRegressor

__all__ = ["DropoutClassifier", "DropoutRegressor"]

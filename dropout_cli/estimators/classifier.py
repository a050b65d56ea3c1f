"""`DropoutClassifier`: a dense network with dropout, as a classifier of scikit-learn."""

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Bunch, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, unique_labels

from dropout_cli.core.types import Array
from dropout_cli.estimators.base import DropoutEstimator
from dropout_cli.metrics.monte_carlo import aggregate_passes
from dropout_cli.nn import losses
from dropout_cli.objectives import Objective
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.tasks.classification import UNCERTAINTIES


class DropoutClassifier(ClassifierMixin, DropoutEstimator):
    """Multilayer perceptron with dropout for two or more classes of any type.

    Args:
        hidden_layer_sizes: Widths of the hidden layers.
        activation: relu, tanh, logistic (or sigmoid), identity, gelu or selu.
        variant: Dropout variant, such as inverted, gaussian, concrete or none; `dropout variants` lists them.
        rate: Probability of dropping a hidden activation: one number, or one per hidden layer. None: the default of
            the variant.
        input_rate: Probability of dropping a feature. None: the default of the variant.
        variant_params: Further settings of the variant by name, such as `{"start": 0.2}` for concrete.
        mc_samples: Number of noisy passes of `predict_uncertainty`.
        solver: Optimizer: adam, adamw, rmsprop, adadelta or sgd.
        alpha: Strength of the L2 penalty. The loss of a batch of B examples gets the term alpha / (2 B) |W|^2.
        batch_size: Examples per step. auto: 200, or all if there are fewer.
        learning_rate_init: Learning rate.
        max_iter: Maximum number of epochs of a fit.
        tol: Smallest change that counts as an improvement: a decrease of the training loss, or with early stopping an
            increase of the validation accuracy.
        early_stopping: True to monitor the accuracy on a validation part, and to keep the weights of its best epoch.
        validation_fraction: Part of the examples that is set aside for early stopping.
        n_iter_no_change: Training ends after this many epochs without an improvement.
        warm_start: True if `fit` continues from the last fit.
        random_state: Seed of initial weights, batch order, noise and validation part.
        class_weight: Weight of each class by label, balanced, or None.

    Attributes:
        classes_: (C,) class labels.
        n_features_in_: Number of features.
        feature_names_in_: (features,) names of the columns, if X has names.
        n_iter_: Number of epochs, over all fits that continued each other.
        loss_curve_: Training loss after each epoch, without noise and penalty.
        best_loss_: The smallest of them.
        validation_curve_: Accuracy on the validation part after each epoch of the last fit, with early stopping.
        best_iter_: The epoch whose weights are kept, with early stopping.
    """

    classes_: Array

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        variant: str = "inverted",
        rate: Any = None,
        input_rate: float | None = None,
        variant_params: Any = None,
        mc_samples: int = 50,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        tol: float = 1e-4,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        random_state: Any = None,
        class_weight: Any = None,
    ) -> None:
        """Store the parameters; `fit` checks them."""
        super().__init__(
            hidden_layer_sizes,
            activation,
            variant=variant,
            rate=rate,
            input_rate=input_rate,
            variant_params=variant_params,
            mc_samples=mc_samples,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate_init=learning_rate_init,
            max_iter=max_iter,
            tol=tol,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            warm_start=warm_start,
            random_state=random_state,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on some examples.

        Args:
            X: (N, features), dense or sparse.
            y: (N,) labels.
            sample_weight: (N,) factors of the losses of the examples; None: all are 1.

        Raises:
            ValueError: A parameter or an array is invalid, or training diverged.
        """
        return self._train(X, y, sample_weight, one_epoch=False)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on some examples, from the current weights.

        Args:
            X: (N, features), dense or sparse.
            y: (N,) labels.
            classes: All labels that any call will have. The first call needs them, unless y has all.
            sample_weight: (N,) factors of the losses of the examples; None: all are 1.

        Raises:
            ValueError: A parameter or an array is invalid, or training diverged.
        """
        if isinstance(self.class_weight, str):
            raise ValueError("class_weight='balanced' needs all examples at once. Give a mapping, or use fit.")
        return self._train(X, y, sample_weight, one_epoch=True, classes=classes)

    def predict(self, X: Any) -> Array:
        """Predict the class of each example, without dropout noise.

        Args:
            X: (N, features), dense or sparse.

        Returns:
            (N,) labels from `classes_`.

        Raises:
            NotFittedError: The estimator has not been fitted.
            ValueError: X has another number of features than in `fit`.
        """
        best = self._outputs(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of each class, without dropout noise.

        Args:
            X: (N, features), dense or sparse.

        Returns:
            (N, C) probabilities; the columns have the order of `classes_`.

        Raises:
            NotFittedError: The estimator has not been fitted.
            ValueError: X has another number of features than in `fit`.
        """
        probabilities = losses.softmax(self._outputs(X))
        return np.asarray(probabilities)

    def predict_uncertainty(self, X: Any) -> Bunch:
        """Return the result of `mc_samples` passes with dropout noise.

        A pass draws one noise for all rows, and the passes of two calls are the same. Entropies are in nats.

        Args:
            X: (N, features), dense or sparse.

        Returns:
            A mapping, also with attributes: `mean` and `sd` (N, C), mean and standard deviation of the probabilities;
            and (N,) each: `predictive_entropy` of the mean; `expected_entropy`, the mean entropy of a pass;
            `mutual_information`, their difference, which is the disagreement of the passes; `variation_ratio`, the
            fraction of passes that do not predict the most frequent class.

        Raises:
            NotFittedError: The estimator has not been fitted.
            ValueError: X has another number of features than in `fit`.
        """
        drawn = aggregate_passes(self._noisy_outputs(X))
        found = {name: getattr(drawn, name) for name in UNCERTAINTIES}
        return Bunch(mean=drawn.probabilities, sd=drawn.sd, **found)

    def _labels(self, y: Array, *, begins: bool, classes: Any = None) -> Array:
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        if begins:
            self.classes_ = unique_labels(y if classes is None else classes)
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            fact = f"classes={classes!r} are not those of the first call, {self.classes_.tolist()!r}"
            raise ValueError(f"{fact}. Leave classes out, or use fit to start again.")
        found = np.searchsorted(self.classes_, y)
        found = np.minimum(found, len(self.classes_) - 1)
        unknown = self.classes_[found] != y
        if np.any(unknown):
            raise ValueError(
                f"y has the label {y[unknown].tolist()[0]!r}, but the classes are {self.classes_.tolist()!r}. "
                "Give all labels as classes in the first call of partial_fit."
            )
        return found.astype(np.intp)

    def _names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return tuple(map(str, self.classes_.tolist())), ()

    def _objective(self) -> Objective:
        return CrossEntropy()

    def _weights(self, labels: Array, weights: Array) -> Array:
        if self.class_weight is None:
            return weights
        if self.class_weight == "balanced":
            # By the weights of a class instead of its rows, so that a weight of 2 is the same as two copies.
            totals = np.bincount(labels, weights)
            factors = weights.sum() / (np.count_nonzero(totals) * np.where(totals > 0, totals, 1))
            return np.asarray(weights * factors[labels])
        return np.asarray(weights * compute_sample_weight(self.class_weight, self.classes_[labels]))

"""`DropoutRegressor`: a dense network with dropout, as a regressor of scikit-learn."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import Bunch
from sklearn.utils.validation import check_array

from dropout_cli.core.types import Array
from dropout_cli.estimators.base import DropoutEstimator
from dropout_cli.objectives import Objective
from dropout_cli.objectives.squared_error import SquaredError


class DropoutRegressor(RegressorMixin, DropoutEstimator):
    """Multilayer perceptron with dropout for one or more numeric targets.

    It standardizes the targets for training. Predictions are in the units of y.

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
        tol: Smallest decrease that counts as an improvement: of the training loss (squared error of standardized
            targets), or with early stopping of the validation RMSE (in the units of y).
        early_stopping: True to monitor the RMSE on a validation part, and to keep the weights of its best epoch.
        validation_fraction: Part of the examples that is set aside for early stopping.
        n_iter_no_change: Training ends after this many epochs without an improvement.
        warm_start: True if `fit` continues from the last fit.
        random_state: Seed of initial weights, batch order, noise and validation part.

    Attributes:
        n_outputs_: Number of targets.
        n_features_in_: Number of features.
        feature_names_in_: (features,) names of the columns, if X has names.
        n_iter_: Number of epochs, over all fits that continued each other.
        loss_curve_: Training loss after each epoch, without noise and penalty.
        best_loss_: The smallest of them.
        validation_curve_: RMSE on the validation part after each epoch of the last fit, in the units of y, with early
            stopping.
        best_iter_: The epoch whose weights are kept, with early stopping.
    """

    n_outputs_: int

    def __sklearn_tags__(self) -> Any:
        """Return the tags of scikit-learn: several targets are accepted."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on some examples.

        Args:
            X: (N, features), dense or sparse.
            y: (N,) or (N, targets) numbers.
            sample_weight: (N,) factors of the losses of the examples; None: all are 1.

        Raises:
            ValueError: A parameter or an array is invalid, or training diverged.
        """
        return self._train(X, y, sample_weight, one_epoch=False)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on some examples, from the current weights.

        Targets keep the scale of the first call, so it should have typical ones.

        Args:
            X: (N, features), dense or sparse.
            y: (N,) or (N, targets) numbers.
            sample_weight: (N,) factors of the losses of the examples; None: all are 1.

        Raises:
            ValueError: A parameter or an array is invalid, or training diverged.
        """
        return self._train(X, y, sample_weight, one_epoch=True)

    def predict(self, X: Any) -> Array:
        """Predict the targets of each example, without dropout noise.

        Args:
            X: (N, features), dense or sparse.

        Returns:
            (N,) or (N, targets) numbers in the units of y.

        Raises:
            NotFittedError: The estimator has not been fitted.
            ValueError: X has another number of features than in `fit`.
        """
        outputs = self._outputs(X)
        return self._in_shape(self._fitted().task.predict(outputs)["mean"])

    def predict_uncertainty(self, X: Any) -> Bunch:
        """Return the result of `mc_samples` passes with dropout noise.

        A pass draws one noise for all rows, and the passes of two calls are the same.

        Args:
            X: (N, features), dense or sparse.

        Returns:
            A mapping, also with attributes: `mean` and `sd`, mean and standard deviation of the passes, each (N,) or
            (N, targets) in the units of y. The noise of the targets around their mean is not in `sd`.

        Raises:
            NotFittedError: The estimator has not been fitted.
            ValueError: X has another number of features than in `fit`.
        """
        passes = self._noisy_outputs(X)
        combined = self._fitted().task.combine_passes(passes)
        mean, sd = combined.predictions["monte_carlo"]["mean"], combined.uncertainties["model_sd"]
        return Bunch(mean=self._in_shape(mean), sd=self._in_shape(sd))

    def _in_shape(self, values: Array) -> Array:
        """Return a single target of a one-dimensional y as (N,)."""
        return values.ravel() if self._is_flat else values

    def _labels(self, y: Array, *, begins: bool, classes: Any = None) -> Array:
        numbers = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        targets = numbers.reshape(len(numbers), -1)
        if begins:
            self.n_outputs_, self._is_flat = targets.shape[1], numbers.ndim == 1
        elif targets.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {targets.shape[1]} targets, but the first call had {self.n_outputs_}. Use fit to start again."
            )
        return np.ascontiguousarray(targets)

    def _names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return (), tuple(f"y{place}" for place in range(self.n_outputs_))

    def _objective(self) -> Objective:
        return SquaredError()

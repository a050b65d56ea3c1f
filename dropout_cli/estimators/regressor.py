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
    """Multilayer perceptron with dropout for one or more targets, which it standardizes itself.

    Its parameters and attributes are those of `DropoutClassifier`, without those of classes. With early stopping, it
    monitors the root mean squared error on the validation part.
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
        """Return the targets of each example without noise, (N,) or (N, targets)."""
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
            raise ValueError(f"y has {targets.shape[1]} targets, but the first call had {self.n_outputs_}.")
        return np.ascontiguousarray(targets)

    def _names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return (), tuple(f"y{place}" for place in range(self.n_outputs_))

    def _objective(self) -> Objective:
        return SquaredError()

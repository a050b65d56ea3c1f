"""Base of the estimators: parameters, checks of the input, and training."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from dropout_cli.core.errors import ConfigError, DataError, Diverged
from dropout_cli.core.types import Array
from dropout_cli.estimators.examples import as_rows, dataset_of_arrays
from dropout_cli.estimators.settings import EstimatorSettings
from dropout_cli.estimators.trained_network import TrainedNetwork
from dropout_cli.objectives import Objective
from dropout_cli.training.early_stopping import BestEpoch
from dropout_cli.training.setup import prepare_with_dataset


class DropoutEstimator(BaseEstimator):
    """Base of the estimators, with the parameters of both."""

    n_iter_: int
    loss_curve_: list[float]
    _network: TrainedNetwork

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
    ) -> None:
        """Store the parameters; `fit` checks them."""
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.variant = variant
        self.rate = rate
        self.input_rate = input_rate
        self.variant_params = variant_params
        self.mc_samples = mc_samples
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Return the tags of scikit-learn: sparse matrices are accepted."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def best_loss_(self) -> float:
        """The smallest training loss in `loss_curve_`."""
        check_is_fitted(self)
        return min(self.loss_curve_)

    @abstractmethod
    def _labels(self, y: Array, *, begins: bool, classes: Any = None) -> Array:
        """Return y as the engine takes it; if training begins, set the fitted attributes that describe y."""

    @abstractmethod
    def _names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of the classes and of the targets; one of them is empty."""

    @abstractmethod
    def _objective(self) -> Objective:
        """Return the training loss."""

    def _weights(self, labels: Array, weights: Array) -> Array:
        """Return the weights of the examples with those of their classes, (N,)."""
        return weights

    def _train(self, X: Any, y: Any, sample_weight: Any, *, one_epoch: bool, classes: Any = None) -> Self:
        """Train the network: from its start, or on from the fitted one."""
        settings = self._settings(self._seed())
        if one_epoch and settings.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True: it has no validation part. Use fit.")
        fitted = getattr(self, "_network", None)
        earlier = fitted if one_epoch or settings.warm_start else None
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=np.float32, reset=earlier is None, multi_output=True, y_numeric=False
        )
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        labels = self._labels(y, begins=earlier is None, classes=classes)
        weights = self._weights(labels, weights)
        if not weights.any():
            raise ValueError("every sample weight is 0: there is nothing to train on.")
        known = None if earlier is None else earlier.fitted
        with _plain_errors():
            dataset, total_weight = dataset_of_arrays(
                settings.source, X, labels, weights, self._names(), batch_size=settings.batch_size, known=known
            )
            experiment = settings.experiment(self._objective(), dataset, total_weight=total_weight)
            network = earlier
            if network is None or not one_epoch:
                prepared = prepare_with_dataset(dataset, experiment)
                network, experiment = TrainedNetwork(prepared), prepared.experiment
                if earlier is not None:
                    _hand_over(earlier, network)
            else:
                experiment = replace(experiment, training=replace(network.experiment.training, **_sizes(experiment)))
            self._run(network, dataset, experiment, settings, one_epoch=one_epoch)
        self._network = network
        return self

    def _run(
        self, network: TrainedNetwork, dataset: Any, experiment: Any, settings: EstimatorSettings, *, one_epoch: bool
    ) -> None:
        """Train the network, and set the attributes of the training."""
        done = network.learner.epoch
        epochs = done + (1 if one_epoch else experiment.training.epochs)
        experiment = replace(experiment, training=replace(experiment.training, epochs=epochs))
        rule = settings.training.early_stopping
        assert rule is not None
        monitor = str(experiment.training.monitor) if dataset.val is not None else "train_loss"
        selection = BestEpoch(monitor, rule.patience, rule.min_delta)
        records = list(network.train(dataset, experiment, selection, keeps_best=settings.early_stopping))
        before = list(getattr(self, "loss_curve_", [])) if done else []
        self.loss_curve_ = before + [metrics["train_loss"] for metrics in records]
        self.n_iter_ = len(self.loss_curve_)
        if settings.early_stopping:
            self.validation_curve_ = [metrics[monitor] for metrics in records]
            self.best_iter_ = selection.best_epoch

    def _settings(self, seed: int = 0) -> EstimatorSettings:
        """Return the parameters after validation."""
        with _plain_errors():
            return EstimatorSettings.from_params(self.get_params(deep=False), seed, type(self).__name__)

    def _noisy_outputs(self, X: Any) -> Iterator[Array]:
        """Yield the outputs of `mc_samples` noisy passes."""
        yield from self._fitted().noisy_outputs(self._checked(X), self._settings().mc_samples)

    def _outputs(self, X: Any) -> Array:
        """Return the outputs without noise."""
        return self._fitted().outputs(self._checked(X))

    def _seed(self) -> int:
        """Return the seed of a training; a whole number stands for itself."""
        state = check_random_state(self.random_state)  # refuses everything that is not a seed
        return int(self.random_state) if isinstance(self.random_state, Integral) else int(state.randint(2**31 - 1))

    def _fitted(self) -> TrainedNetwork:
        """Return the network; raise NotFittedError before the first fit."""
        check_is_fitted(self)
        return self._network

    def _checked(self, X: Any) -> Any:
        """Return the examples to predict, as the engine takes them."""
        return as_rows(validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False))


def _sizes(experiment: Any) -> dict[str, Any]:
    """Return the settings that depend on the examples of a call."""
    return {"batch_size": experiment.training.batch_size}


def _hand_over(earlier: TrainedNetwork, network: TrainedNetwork) -> None:
    try:
        network.continue_from(earlier)
    except (KeyError, ValueError) as error:
        raise ValueError(
            "warm_start=True continues with the weights of the last fit, but these do not fit the parameters: "
            f"{error}. Set warm_start=False."
        ) from None


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Raise ValueError, as scikit-learn does, for the errors of the engine."""
    try:
        yield
    except Diverged as error:
        place, fact, _ = error.problems[0]
        raise ValueError(f"{place}: {fact}. Lower learning_rate_init, or scale X.") from None
    except (ConfigError, DataError) as error:
        raise ValueError(str(error)) from None

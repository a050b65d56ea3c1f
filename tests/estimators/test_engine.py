"""The estimators train with the engine of runs: weights of examples, continued training, precision."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss

from dropout_cli.core import npz
from dropout_cli.core.types import Array
from dropout_cli.estimators import DropoutClassifier, DropoutRegressor
from dropout_cli.metrics.monte_carlo import aggregate_passes
from dropout_cli.training import restore
from dropout_cli.training.forward_passes import noisy_passes
from dropout_cli.variants import VARIANTS
from tests import small_run

X, Y = load_digits(return_X_y=True)
X = X[:300] / 16
Y = Y[:300]
SMALL: dict[str, Any] = {
    "hidden_layer_sizes": (12, 10),
    "rate": 0.3,
    "batch_size": 32,
    "max_iter": 4,
    "random_state": 3,
    "n_iter_no_change": 100,
}
Estimator = type[DropoutClassifier] | type[DropoutRegressor]
BOTH = [DropoutClassifier, DropoutRegressor]


def predicted(model: Any) -> Array:
    """Return the probabilities or numbers that a model predicts."""
    return np.asarray(model.predict_proba(X) if isinstance(model, DropoutClassifier) else model.predict(X))


SETTINGS_OF_VARIANTS: dict[str, dict[str, Any]] = {
    "inverted": {"rate": 0.3},
    "standard": {"rate": 0.3, "rate_schedule": {"name": "linear", "start": 0.6}},
    "adaptive": {"rate": 0.3},
}


@pytest.mark.parametrize("variant", SETTINGS_OF_VARIANTS)
def test_it_predicts_what_the_run_of_the_same_config_predicts(variant: str, tmp_path: Path) -> None:
    """Equal seeds, examples and settings give equal weights, byte by byte, and equal noise."""
    given = {"variant": variant} | SETTINGS_OF_VARIANTS[variant]
    overrides = ("dataset.val_fraction=0", "seed=5", "yardstick=none", "training.epochs=3")
    run = small_run.train(tmp_path, f"dropout={json.dumps(given)}", *overrides)
    loaded = restore.load_model(run)
    train, test = (
        (part.x.reshape(len(part), -1) * loaded.dataset.scaling.scale).astype(np.float32)
        for part in (loaded.dataset.train, loaded.dataset.test)
    )
    settings: dict[str, Any] = {
        "batch_size": 64,
        "learning_rate_init": 3e-3,
        "alpha": 0,
        "max_iter": 3,
        "random_state": 5,
        "mc_samples": 4,
    }
    model = DropoutClassifier((16, 12), variant=variant, variant_params=SETTINGS_OF_VARIANTS[variant], **settings)
    model.fit(train, loaded.dataset.train.labels)
    for name, value in loaded.learner.arrays().items():
        np.testing.assert_array_equal(model._network.learner.arrays()[name], value)
    stored = npz.read_npz((run.path / "predictions.npz").read_bytes(), "predictions.npz")
    network, dataset = loaded.learner.network, loaded.dataset
    passes = noisy_passes(network, dataset, dataset.test, seed=5, count=4, batch=1000, shared=True)
    noisy = aggregate_passes(passes)
    for one in (model, pickle.loads(pickle.dumps(model))):
        np.testing.assert_allclose(one.predict_proba(test), stored["probabilities"], atol=1e-6)
        found = one.predict_uncertainty(test)
        np.testing.assert_allclose(found.mean, noisy.probabilities, atol=1e-5)
        np.testing.assert_allclose(found.sd, noisy.sd, atol=1e-5)


@pytest.mark.parametrize("estimator", BOTH)
def test_a_fit_is_the_sum_of_its_parts(estimator: Estimator) -> None:
    """`partial_fit` four times, or two fits with `warm_start`, train like one fit of four epochs."""
    whole = estimator(**SMALL).fit(X, Y)
    parts, halves = estimator(**SMALL), estimator(**SMALL | {"max_iter": 2, "warm_start": True})
    for _ in range(4):
        parts.partial_fit(X, Y)
    halves.fit(X, Y).fit(X, Y)
    for other in (parts, halves):
        np.testing.assert_array_equal(predicted(other), predicted(whole))
        assert other.loss_curve_ == whole.loss_curve_ and other.n_iter_ == whole.n_iter_ == 4
    assert estimator(**SMALL).fit(X, Y).n_iter_ == 4 and len(halves.fit(X, Y).loss_curve_) == 6


@pytest.mark.parametrize("estimator", BOTH)
def test_partial_fit_takes_parts_of_any_size(estimator: Estimator) -> None:
    """Each call trains once on each of its examples; the loss on all of them falls."""
    model = estimator(**SMALL | {"learning_rate_init": 0.01, "rate": 0.0})
    losses = []
    for _ in range(8):
        for rows in (slice(0, 200), slice(200, 210), slice(210, 300)):
            model.partial_fit(X[rows], Y[rows])
        target = np.eye(10)[Y] if isinstance(model, DropoutClassifier) else Y
        losses.append(float(np.mean((predicted(model) - target) ** 2)))
    assert model.n_iter_ == 24 and losses[-1] < 0.5 * losses[0]


def test_partial_fit_knows_only_the_classes_of_its_first_call() -> None:
    """They are given, or all in the first part."""
    model = DropoutClassifier(**SMALL).partial_fit(X[:5], Y[:5], classes=np.arange(10))
    assert model.predict_proba(X).shape == (300, 10)
    with pytest.raises(ValueError, match=r"y has the label 9, but the classes are \[0, 1\]"):
        DropoutClassifier(**SMALL).partial_fit(X[:2], [0, 1]).partial_fit(X[:2], [0, 9])
    with pytest.raises(ValueError, match="not those of the first call"):
        model.partial_fit(X, Y, classes=[1, 2])


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2.0, 1: 0.5}])
@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_a_weight_of_three_is_three_copies(rate: float, class_weight: Any) -> None:
    """In one batch with the same noise; a weight of 0 leaves an example out."""
    weights = np.random.default_rng(0).integers(0, 4, 60)
    settings = SMALL | {"rate": rate, "batch_size": 300, "class_weight": class_weight}
    weighted = DropoutClassifier(**settings).fit(X[:60], Y[:60], weights)
    copied = DropoutClassifier(**settings).fit(X[:60].repeat(weights, axis=0), Y[:60].repeat(weights))
    np.testing.assert_allclose(predicted(weighted), predicted(copied), rtol=1e-12)
    plain = DropoutClassifier(**settings).fit(X[:60], Y[:60])
    assert np.abs(predicted(plain) - predicted(weighted)).max() > 1e-4


@pytest.mark.parametrize("batch_size", [16, 64])
@pytest.mark.parametrize("estimator", BOTH)
def test_contradictory_examples_count_by_weight(estimator: Estimator, batch_size: int) -> None:
    """In one batch and in several."""
    x, y, weights = X[:1].repeat(64, axis=0), np.tile([0, 1], 32), np.tile([1.0, 9.0], 32)
    settings = {"rate": 0.0, "learning_rate_init": 0.01, "max_iter": 200, "batch_size": batch_size}
    model = estimator(**SMALL | settings)
    found = model.fit(x, y, weights)
    answer = found.predict_proba(x[:1])[0, 1] if isinstance(found, DropoutClassifier) else found.predict(x[:1])[0]
    assert answer == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("batch_size", [32, 300])
@pytest.mark.parametrize("estimator", BOTH)
def test_sparse_rows_give_the_same_model(estimator: Estimator, batch_size: int) -> None:
    """In fit and in predict."""
    settings = SMALL | {"batch_size": batch_size}
    dense, sparse = estimator(**settings).fit(X, Y), estimator(**settings).fit(csr_matrix(X), Y)
    np.testing.assert_array_equal(predicted(sparse), predicted(dense))
    np.testing.assert_array_equal(sparse.predict(csr_matrix(X)), dense.predict(X))


@pytest.mark.parametrize("estimator", BOTH)
def test_a_prediction_does_not_depend_on_other_rows(estimator: Estimator) -> None:
    """It is computed in float64; training takes float32."""
    model = estimator(**SMALL).fit(X, Y)
    np.testing.assert_allclose(model.predict(X)[50:57], model.predict(X[50:57]), rtol=1e-13)
    for name, values in model.predict_uncertainty(X).items():
        np.testing.assert_allclose(values[50:57], model.predict_uncertainty(X[50:57])[name], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(predicted(estimator(**SMALL).fit(X.astype(np.float32), Y)), predicted(model))
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="too large for dtype"):
        model.fit(X * 1e300, Y)


def test_early_stopping_keeps_the_best_epoch() -> None:
    """Its weights are those of a fit that ends there, on the same training examples."""
    settings = SMALL | {"learning_rate_init": 0.03, "max_iter": 60, "early_stopping": True, "n_iter_no_change": 5}
    model = DropoutClassifier(**settings).fit(X, Y)
    curve = model.validation_curve_
    assert model.n_iter_ == len(curve) < 60 and max(curve) == curve[model.best_iter_ - 1]
    shorter = DropoutClassifier(**settings | {"max_iter": model.best_iter_}).fit(X, Y)
    np.testing.assert_array_equal(predicted(shorter), predicted(model))
    regressor = DropoutRegressor(**settings).fit(X, Y)
    assert min(regressor.validation_curve_) == regressor.validation_curve_[regressor.best_iter_ - 1]


def test_training_ends_when_the_loss_stops_falling() -> None:
    """After `n_iter_no_change` epochs that do not gain `tol`."""
    model = DropoutClassifier(**SMALL | {"tol": 10.0, "n_iter_no_change": 3, "max_iter": 50}).fit(X, Y)
    assert model.n_iter_ == 4 and model.best_loss_ == min(model.loss_curve_)


@pytest.mark.parametrize("variant", [name for name, cls in VARIANTS if cls.supports in ("vectors", "either")])
def test_every_variant_for_dense_layers_is_a_parameter(variant: str) -> None:
    """It trains, predicts and says how sure it is."""
    activation = VARIANTS[variant].suited_activation
    settings = SMALL | {"variant": variant, "rate": None, "activation": activation, "mc_samples": 3}
    model = DropoutClassifier(**settings).fit(X, Y)
    assert log_loss(Y, model.predict_proba(X)) < 3
    found = model.predict_uncertainty(X[:5])
    assert (found.sd.max() > 0) == (variant != "none")


def test_wrong_parameters_are_value_errors_with_a_way_out() -> None:
    """All of them at once, named as parameters."""
    with pytest.raises(ValueError) as caught:
        DropoutClassifier(variant="invrted", max_iter=0, solver="lbfgs").fit(X, Y)
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["solver='lbfgs'", "max_iter=0", "variant='invrted'"]
    assert "Did you mean 'inverted'?" in lines[2]
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        DropoutRegressor(mc_samples=0).fit(X, Y)
    model = DropoutRegressor(**SMALL).fit(X, Y).set_params(mc_samples=0)
    with pytest.raises(ValueError, match="mc_samples=0: must be at least 1"):
        model.predict_uncertainty(X)
    with pytest.raises(ValueError, match="spatial works on feature maps"):
        DropoutClassifier(variant="spatial").fit(X, Y)
    with pytest.raises(ValueError, match=r"warm_start=True continues .*hidden1/W"):
        DropoutClassifier(**SMALL | {"warm_start": True}).fit(X, Y).set_params(hidden_layer_sizes=(5,)).fit(X, Y)
    with pytest.raises(ValueError, match=r"training diverged.* Lower learning_rate_init, or scale X\."):
        DropoutClassifier(**SMALL | {"solver": "sgd", "learning_rate_init": 1e30}).fit(X, Y)


def test_a_regressor_keeps_the_scale_of_its_first_targets() -> None:
    """Further training on targets of another size does not change what the network has learned."""
    model = DropoutRegressor(**SMALL | {"warm_start": True, "learning_rate_init": 1e-9}).fit(X, Y)
    before = model.predict(X)
    np.testing.assert_allclose(model.fit(X, 100.0 * Y).predict(X), before, atol=1e-3)
    np.testing.assert_allclose(model.partial_fit(X, 100.0 * Y).predict(X), before, atol=1e-3)

"""Pickles hold weights and config; threads predict at once; limits of threads end with the call."""

import copy
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_info

from dropout_cli.estimators import DropoutClassifier, DropoutRegressor

X, Y = load_digits(return_X_y=True)
X = X[:400] / 16
Y = Y[:400]
WIDE: dict[str, Any] = {"hidden_layer_sizes": (200, 100), "max_iter": 2, "random_state": 0, "mc_samples": 4}
BOTH = [DropoutClassifier, DropoutRegressor]


@pytest.mark.parametrize("variant", ["inverted", "concrete", "batchwise"])
@pytest.mark.parametrize("estimator", BOTH)
def test_a_pickle_holds_the_weights_and_little_else(estimator: Any, variant: str) -> None:
    """At most twice their bytes, also after predictions for many rows."""
    model = estimator(**WIDE, variant=variant).fit(X, Y)
    model.predict_uncertainty(np.tile(X, (10, 1)))
    weights = sum(one.value.nbytes for one in model._network.learner.network.parameters().values())
    assert weights < len(pickle.dumps(model)) <= 2 * weights
    # Only its config and the curve of its losses are beside the weights.
    assert len(pickle.dumps(model)) - weights < 8000


@pytest.mark.parametrize("estimator", BOTH)
def test_a_pickle_predicts_the_same_in_another_process(estimator: Any, tmp_path: Path) -> None:
    """With and without noise."""
    model = estimator(**WIDE, variant="standard").fit(X, Y)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    np.save(tmp_path / "x.npy", X)
    program = (
        "import pickle, numpy as np\n"
        "model, x = pickle.load(open('model.pkl', 'rb')), np.load('x.npy')\n"
        "np.savez('found.npz', plain=model.predict(x), **model.predict_uncertainty(x))\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    found = np.load(tmp_path / "found.npz")
    np.testing.assert_array_equal(found["plain"], model.predict(X))
    for name, values in model.predict_uncertainty(X).items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("estimator", BOTH)
def test_a_copy_is_trained_on_without_changing_the_original(estimator: Any) -> None:
    """The optimizer of the copy starts anew; `clone` copies parameters only."""
    model = estimator(**WIDE).fit(X, Y)
    before = model.predict(X)
    twin = copy.deepcopy(model)
    np.testing.assert_array_equal(twin.predict(X), before)
    assert twin.partial_fit(X, Y).n_iter_ == 3 and len(twin.loss_curve_) == 3
    np.testing.assert_array_equal(model.predict(X), before)
    assert not hasattr(clone(model), "n_iter_")


@pytest.mark.parametrize("estimator", BOTH)
def test_threads_predict_at_once_what_one_predicts_alone(estimator: Any) -> None:
    """Each has layers of its own."""
    model = estimator(**WIDE, variant="concrete").fit(X, Y)
    parts = [X[start : start + 150] for start in range(0, 250, 10)]
    alone = [(model.predict(part), model.predict_uncertainty(part).sd) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda part: (model.predict(part), model.predict_uncertainty(part).sd), parts * 4))
    for found, expected in zip(together, alone * 4, strict=True):
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


def test_limits_of_threads_end_with_the_call() -> None:
    """After fit, predict, and noisy passes, also if one of them fails."""
    model = DropoutClassifier(**WIDE).fit(X, Y)  # loads all libraries
    before = [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()]
    model.fit(X, Y).predict_uncertainty(X)
    with pytest.raises(ValueError, match="diverged"):
        DropoutClassifier(**WIDE, solver="sgd", learning_rate_init=1e30).fit(X, Y)
    assert [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()] == before

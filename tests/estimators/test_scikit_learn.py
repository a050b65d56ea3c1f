"""The estimators keep scikit-learn's contract, and work inside its meta-estimators."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from dropout_cli.estimators import DropoutClassifier, DropoutRegressor

X, Y = load_iris(return_X_y=True)
FLOWERS = np.array(["setosa", "versicolor", "virginica"])[Y]
FAST: dict[str, Any] = {
    "hidden_layer_sizes": (16,),
    "learning_rate_init": 0.01,
    "rate": 0.2,
    "batch_size": 16,
    "max_iter": 40,
    "random_state": 0,
}


@pytest.mark.filterwarnings("ignore")  # the checks themselves warn
@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [
        DropoutClassifier(),
        DropoutRegressor(),
        DropoutClassifier(variant="concrete", solver="sgd", learning_rate_init=0.05),
    ]
)
def test_every_check_of_scikit_learn_passes(estimator: Any, check: Any) -> None:
    """None is expected to fail."""
    check(estimator)


def test_a_pipeline_scales_and_classifies() -> None:
    """Labels are texts."""
    model = make_pipeline(StandardScaler(), DropoutClassifier(**FAST)).fit(X, FLOWERS)
    assert model.score(X, FLOWERS) > 0.9 and set(model.predict(X)) <= set(FLOWERS)


def test_a_column_transformer_feeds_it_sparse_rows() -> None:
    """A column of words beside columns of numbers, with the names of both."""
    table = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(soil=np.where(Y == 1, "clay", "sand"))
    columns = ColumnTransformer([("word", OneHotEncoder(), ["soil"])], remainder=StandardScaler(), sparse_threshold=1.0)
    model = make_pipeline(columns, DropoutClassifier(**FAST)).fit(table, FLOWERS)
    assert model.score(table, FLOWERS) > 0.9 and model[-1].n_features_in_ == 6


def test_a_grid_search_finds_settings_of_the_variant() -> None:
    """Rates, variants and widths are parameters like any other."""
    grid = {"rate": [0.1, 0.2], "variant": ["inverted", "gaussian"], "hidden_layer_sizes": [8, (8, 8)]}
    search = GridSearchCV(DropoutClassifier(**FAST | {"max_iter": 3}), grid, cv=2).fit(X, FLOWERS)
    assert len(search.cv_results_["params"]) == 8 and not np.isnan(search.cv_results_["mean_test_score"]).any()


def test_probabilities_can_be_calibrated() -> None:
    """By folds of the training examples."""
    model = CalibratedClassifierCV(DropoutClassifier(**FAST), cv=2).fit(X, FLOWERS)
    assert np.allclose(model.predict_proba(X).sum(axis=1), 1) and model.score(X, FLOWERS) > 0.8


def test_bags_of_them_vote() -> None:
    """Bagging gives examples by weight, and members other seeds."""
    model = BaggingClassifier(DropoutClassifier(**FAST), n_estimators=3, random_state=0).fit(X, FLOWERS)
    first, second = (member.predict_proba(X[:, :]) for member in model.estimators_[:2])
    assert model.score(X, FLOWERS) > 0.9 and not np.array_equal(first, second)


def test_two_processes_score_like_one() -> None:
    """Every fold gives equal numbers."""
    pipeline = make_pipeline(StandardScaler(), DropoutClassifier(**FAST))
    one, two = (cross_val_score(pipeline, X, FLOWERS, cv=4, n_jobs=jobs) for jobs in (1, 2))
    assert one.tolist() == two.tolist() and one.mean() > 0.85


def test_a_regressor_needs_no_scaling_of_its_targets() -> None:
    """It standardizes them itself: other units give other units."""
    x, y = load_diabetes(return_X_y=True)
    settings = FAST | {"rate": 0.2, "max_iter": 60}
    model = make_pipeline(StandardScaler(), DropoutRegressor(**settings))
    assert cross_val_score(model, x, y, cv=4).mean() > 0.35
    far = TransformedTargetRegressor(model, func=lambda t: 1e6 + 1e3 * t, inverse_func=lambda t: (t - 1e6) / 1e3)
    np.testing.assert_allclose(far.fit(x, y).predict(x), model.fit(x, y).predict(x), rtol=1e-6)


def test_columns_must_have_the_names_of_the_training() -> None:
    """`feature_names_in_` are those of the table."""
    table = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = DropoutClassifier(**FAST | {"max_iter": 1}).fit(table, Y)
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[["b", "a", "c", "d"]])

"""Runs are verified by the metrics that both the run and this installation know."""

from dropout_cli.analysis.verify_metrics import split_known_metrics


def test_a_metric_that_one_side_lacks_is_left_out_everywhere() -> None:
    """Also in rows per target; a number that every summary has is not left out."""
    stored = {"rmse": 1.0, "old": 2.0, "per_target": [{"target": "old", "rmse": 1.0, "old": 2.0}]}
    recomputed = {"rmse": 1.0, "mae": 3.0, "new": 4.0, "per_target": [{"target": "old", "rmse": 1.0, "new": 4.0}]}
    kept, expected, unknown = split_known_metrics(stored, recomputed, {"rmse", "mae"})
    assert kept == {"rmse": 1.0, "per_target": [{"target": "old", "rmse": 1.0}]}
    assert expected == {"rmse": 1.0, "mae": 3.0, "per_target": [{"target": "old", "rmse": 1.0}]}
    assert unknown == "old"


def test_a_list_that_is_not_recomputed_stays_a_difference() -> None:
    """Only numbers can be metrics."""
    stored = {"per_class": [], "extra": [1]}
    assert split_known_metrics(stored, {"per_class": []}, ()) == (stored, {"per_class": []}, "")

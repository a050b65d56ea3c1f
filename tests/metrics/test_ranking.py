"""Rankings, averages over classes, limits and texts: counted by hand, or by scikit-learn where it has the number."""

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, f1_score, roc_auc_score

from dropout_cli import metrics
from dropout_cli.core.types import Array


def drawn(counts: tuple[int, ...], classes: int | None = None) -> tuple[Array, Array]:
    """So many examples of each class, and probabilities that lean towards it."""
    rng = np.random.default_rng(11)
    labels = np.repeat(np.arange(len(counts)), counts)
    width = classes or len(counts)
    return rng.dirichlet(np.ones(width), len(labels)) * 0.7 + 0.3 * np.eye(width)[labels], labels


def area(score: Array, positive: Array) -> float:
    """The share of pairs of a positive and another example in which the positive has the larger score."""
    pairs = score[positive][:, None] - score[~positive]
    return float(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def precision(score: Array, positive: Array) -> float:
    """The mean over positives of the share of positives among the examples that score as high or higher."""
    return float(np.mean([positive[score >= one].mean() for one in score[positive]]))


def names(count: int) -> list[str]:
    """a, b, c..."""
    return list("abcdefgh"[:count])


def test_two_classes_are_ranked_by_the_second() -> None:
    """ROC AUC is the share of pairs in order; average precision is that of the positive class, the second."""
    probs, labels = drawn((30, 30))
    found = metrics.score_classes(probs, labels, names(2))
    assert found["roc_auc"] == pytest.approx(area(probs[:, 1], labels == 1))
    assert found["roc_auc"] == pytest.approx(roc_auc_score(labels, probs[:, 1]))
    assert found["average_precision"] == pytest.approx(precision(probs[:, 1], labels == 1))
    assert found["average_precision"] == pytest.approx(average_precision_score(labels, probs[:, 1]))
    assert found["average_precision"] != pytest.approx(precision(probs[:, 0], labels == 0), rel=1e-3)


def test_more_classes_are_each_ranked_against_the_rest() -> None:
    """The mean over the classes; those without examples are left out."""
    probs, labels = drawn((30, 8, 5), classes=4)
    found = metrics.score_classes(probs, labels, names(4))
    assert found["roc_auc"] == pytest.approx(np.mean([area(probs[:, c], labels == c) for c in range(3)]))
    assert found["average_precision"] == pytest.approx(np.mean([precision(probs[:, c], labels == c) for c in range(3)]))


def test_classes_without_others_cannot_be_ranked() -> None:
    """All examples of one class: None."""
    probs, labels = drawn((5,), classes=2)
    found = metrics.score_classes(probs, labels, names(2))
    assert found["roc_auc"] is None and found["average_precision"] is None


@pytest.mark.parametrize(
    ("counts", "ranked"), [((20, 10, 10), False), ((21, 10, 10), True), ((10, 10, 10), False), ((10, 10), True)]
)
def test_rankings_are_for_two_classes_or_unequal_ones(counts: tuple[int, ...], ranked: bool) -> None:
    """Unequal: the largest class has more than twice the examples of the smallest."""
    found = metrics.score_classes(*drawn(counts), names(len(counts)))
    assert {"roc_auc", "average_precision"} <= set(found)
    assert (found["roc_auc"] is not None) == (found["average_precision"] is not None) == ranked


def test_an_absent_class_lowers_no_average_unless_it_is_predicted() -> None:
    """Balanced accuracy is the mean recall over classes among labels; macro F1 counts the classes predicted, too."""
    labels = np.array([0, 0, 0, 1, 1])
    probs = np.eye(4)[[0, 0, 2, 1, 0]]
    found = metrics.score_classes(probs, labels, names(4))
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert found["macro_f1"] == pytest.approx(f1_score(labels, probs.argmax(axis=1), average="macro"))
    probs, labels = drawn((30, 8, 5))
    found = metrics.score_classes(probs, labels, names(3))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, probs.argmax(axis=1)))


def test_the_numbers_of_both_tasks_stand_once_and_in_order() -> None:
    """They are the keys of summaries and the columns of tables: a classifier's first, then those of a regression."""
    classifier = metrics.score_classes(*drawn((3, 3)), names(2))
    regression = metrics.score_targets(np.zeros((2, 1)), np.ones((2, 1)), np.eye(2)[:, :1], ("a",))
    assert len(set(metrics.comparable_metrics())) == len(metrics.comparable_metrics())
    undirected = {"ece_if_calibrated", "per_class"}
    assert [name for name in classifier if name not in undirected] == list(metrics.comparable_metrics("classification"))
    assert {"accuracy", "error", "nll", "brier", "ece", "macro_f1", "balanced_accuracy"} < set(classifier)
    assert {name for name in metrics.comparable_metrics() if name in regression} == {"rmse", "mae", "r2", "nll"}
    assert metrics.comparable_metrics().index("rmse") > metrics.comparable_metrics().index("macro_f1")
    assert list(classifier["per_class"][0]) == ["class", "precision", "recall", "f1", "support"]


@pytest.mark.parametrize("prefix", ["", "test.", "val_", "train_", "val.monte_carlo."])
def test_shares_that_are_right_are_better_large_and_errors_small(prefix: str) -> None:
    """By name, dotted key or column."""
    larger = ("accuracy", "macro_f1", "balanced_accuracy", "roc_auc", "average_precision", "r2")
    smaller = ("error", "nll", "brier", "ece", "rmse", "mae")
    assert all(metrics.larger_is_better(prefix + name) for name in larger)
    assert not any(metrics.larger_is_better(prefix + name) for name in smaller)


def test_a_hundred_mistakes_are_kept_ties_in_their_order() -> None:
    """Another number can be chosen; equal losses keep the order of any number of examples."""
    probs = np.tile([0.25, 0.75], (300, 1))
    labels, rows = np.zeros(300, int), np.arange(1000, 1300)
    labels[::2] = 1
    assert metrics.worst_positions(probs, labels).tolist() == list(range(1, 200, 2))
    assert metrics.worst_positions(probs, labels, 3).tolist() == [1, 3, 5]
    found = metrics.worst_mistakes(probs, labels, rows, names(2))
    assert [one.row for one in found] == list(range(1001, 1200, 2))
    assert [type(one) for one in found[0]] == [int, str, str, float, float, float]
    assert found[0][1:5] == ("a", "b", 0.25, 0.75)
    assert found[0].loss == pytest.approx(math.log(4))


def test_a_mistake_is_told_by_its_own_columns() -> None:
    """Three classes, the middle one true: its probability, and that of the class predicted."""
    (found,) = metrics.worst_mistakes(np.array([[0.125, 0.25, 0.625]]), np.array([1]), np.array([7]), names(3))
    assert found[:5] == (7, "b", "c", 0.25, 0.625)
    assert found.loss == pytest.approx(math.log(4))


def test_shapes_of_tables_are_checked_too() -> None:
    """The matrix and the mistakes refuse what the scores refuse."""
    probs, labels = np.full((2, 3), 1 / 3), np.array([0, 1])
    for table in (metrics.confusion_matrix, metrics.score_classes):
        with pytest.raises(ValueError, match=r"probs \(2, 3\) must have the shape \(2, 2\): a row per label"):
            table(probs, labels, names(2))
    with pytest.raises(ValueError, match="must have the shape"):
        metrics.worst_mistakes(probs, labels, labels, names(2))


def test_scores_are_worked_out_in_float64() -> None:
    """Float32 probabilities have the scores of the same numbers in float64, to the last bit."""
    probs, labels = drawn((200, 300, 100))
    single = probs.astype(np.float32)
    assert metrics.score_classes(single, labels, names(3)) == metrics.score_classes(
        single.astype(np.float64), labels, names(3)
    )


def test_csv_cells_keep_numbers_and_escape_what_utf8_lacks() -> None:
    """Numbers are no text to defuse; a lone surrogate is written as its escape; carriage returns are quoted."""
    assert metrics.csv_bytes([[-1, -0.5, "-x"], ["a,b", 'c"d', ""]]) == b'-1,-0.5,\'-x\n"a,b","c""d",\n'
    assert metrics.csv_bytes([["\ud800", "é"]]) == b"\\ud800," + "é\n".encode()
    assert metrics.csv_bytes([["a\rb", 1], ["c", 2]]) == b'"a\rb","1"\n"c","2"\n'
    assert metrics.csv_bytes([["a", 1.5]]) == b"a,1.5\n"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *((text, True) for text in ("-1E5", "+1e-5", "-1.5e+3", "-12", "-1.25", "-.25")),
        *((text, False) for text in ("-e5", "-\u0661", "-1.2.3", "--1", "-1e", "=1", "@1")),
    ],
)
def test_a_number_is_what_a_spreadsheet_reads_as_one(text: str, number: bool) -> None:
    """Digits are 0 to 9, e is small or capital; nothing else escapes the apostrophe."""
    assert metrics.safe_text(text) == (text if number else f"'{text}")

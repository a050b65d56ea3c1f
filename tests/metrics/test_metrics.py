"""Metrics agree with hand-worked examples and scikit-learn; tables are safe for spreadsheets and hostile names."""

import csv
import io
import json
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
)

from dropout_cli import metrics
from dropout_cli.core.types import Array

NAMES = ("ant", "bee", "cat", "dog")


def drawn(n: int = 500, classes: int = 4) -> tuple[Array, Array]:
    """Probabilities (n, classes) and labels that follow them for half of the examples."""
    rng = np.random.default_rng(7)
    probs = rng.dirichlet(np.full(classes, 0.5), n)
    labels = np.where(rng.random(n) < 0.5, probs.argmax(axis=1), rng.integers(0, classes, n))
    return probs, labels


def read(table: bytes) -> list[list[str]]:
    """Return the cells of a CSV file, read by Python's csv module."""
    return list(csv.reader(io.StringIO(table.decode(), newline="")))


def test_a_worked_example_comes_out_by_hand() -> None:
    """Three examples, worked on paper."""
    probs = np.array([[0.5, 0.5, 0.0], [0.25, 0.75, 0.0], [0.0, 1.0, 0.0]])
    scores = metrics.score_classes(probs, np.array([0, 0, 1]), ["a", "b", "c"])
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["error"] == pytest.approx(1 / 3)
    assert scores["nll"] == pytest.approx(math.log(8) / 3)
    assert scores["brier"] == pytest.approx((0.5 + 2 * 0.75**2) / 3)
    assert scores["ece"] == pytest.approx((0.5 + 0.75 + 0) / 3)
    assert scores["macro_f1"] == pytest.approx(2 / 3), "both classes have F1 2/3; the third occurs nowhere"
    assert scores["per_class"] == [
        {"class": "a", "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2},
        {"class": "b", "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1},
        {"class": "c", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0},
    ]


def test_the_scores_agree_with_scikit_learn() -> None:
    """Every number that scikit-learn defines, too, is the same."""
    probs, labels = drawn()
    scores, predicted = metrics.score_classes(probs, labels, NAMES), probs.argmax(axis=1)
    assert scores["accuracy"] == accuracy_score(labels, predicted)
    assert scores["nll"] == pytest.approx(log_loss(labels, probs))
    assert scores["brier"] == pytest.approx(brier_score_loss(labels, probs, scale_by_half=False))
    assert scores["macro_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    table = np.array([[row[key] for row in scores["per_class"]] for key in ("precision", "recall", "f1", "support")])
    np.testing.assert_allclose(table, np.array(precision_recall_fscore_support(labels, predicted)))


def test_calibration_error_follows_its_definition() -> None:
    """A plain loop over the right-closed bins gives the same ECE."""
    probs, labels = drawn()
    confidence, right = probs.max(axis=1), probs.argmax(axis=1) == labels
    expected = 0.0
    for k in range(15):
        inside = (confidence > k / 15) & (confidence <= (k + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert metrics.score_classes(probs, labels, NAMES)["ece"] == pytest.approx(expected)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    """0.6 = 9/15 is wrong and 0.61 is right: apart, the gaps add up; in one bin, they would cancel."""
    probs = np.array([[9 / 15, 6 / 15], [0.61, 0.39]])
    ece = metrics.score_classes(probs, np.array([1, 0]), ["a", "b"])["ece"]
    assert ece == pytest.approx((0.6 + 0.39) / 2)


def test_the_loss_of_an_impossible_class_is_finite() -> None:
    """A probability of zero counts as the smallest normal float64, so one example's loss is 708.4."""
    scores = metrics.score_classes(np.array([[1, 0]], np.float32), np.array([1]), ["a", "b"])
    assert scores["nll"] == pytest.approx(-math.log(2.2250738585072014e-308))
    assert scores["brier"] == 2


def test_a_perfect_classifier_scores_exactly_zero() -> None:
    """Sure and right: no loss, no error, and no minus sign before the zero."""
    scores = metrics.score_classes(np.eye(3, dtype=np.float32), np.arange(3), ["a", "b", "c"])
    assert str([scores[key] for key in ("error", "nll", "brier", "ece")]) == "[0.0, 0.0, 0.0, 0.0]"
    assert scores["macro_f1"] == 1


def test_the_scores_are_plain_numbers() -> None:
    """The json module takes them, and float32 probabilities lose nothing but their own digits."""
    probs, labels = drawn()
    narrow, wide = (metrics.score_classes(p, labels, NAMES) for p in (probs.astype(np.float32), probs))
    assert json.loads(json.dumps(narrow)) == narrow
    assert narrow["nll"] == pytest.approx(wide["nll"], rel=1e-6)


@pytest.mark.parametrize(("n", "labels", "classes"), [(2, [0], "ab"), (1, [0], "abc"), (0, [], "ab")])
def test_shapes_that_do_not_fit_are_refused(n: int, labels: list[int], classes: str) -> None:
    """Probabilities, labels and classes must be of one size, and there must be an example."""
    with pytest.raises(ValueError, match="must have the shape"):
        metrics.score_classes(np.full((n, 2), 0.5), np.array(labels, int), list(classes))


def test_matrix_rows_are_true_and_columns_predicted() -> None:
    """Two ants taken for bees stand in row ant, column bee; classes that never occur have zeros."""
    probs = np.array([[0, 1, 0], [0, 1, 0], [1, 0, 0]], np.float32)
    matrix = metrics.confusion_matrix(probs, np.array([0, 0, 0]), ["ant", "bee", "cat"])
    assert matrix.dtype == np.int64
    assert matrix.tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 0]]
    table = metrics.confusion_csv(matrix, ["ant", "bee", "cat"])
    assert table == b"true\\predicted,ant,bee,cat\nant,1,2,0\nbee,0,0,0\ncat,0,0,0\n"


def test_mistakes_come_worst_first() -> None:
    """Only wrong examples, by descending loss, ties in order, cut off, named by their row in the source."""
    probs = np.array([[0.4, 0.6], [0.9, 0.1], [0.0, 1.0], [0.4, 0.6], [0.2, 0.8]], np.float32)
    labels, rows = np.array([0, 0, 0, 0, 1]), np.array([50, 40, 30, 20, 10])
    assert metrics.worst_positions(probs, labels).tolist() == [2, 0, 3]
    found = metrics.worst_mistakes(probs, labels, rows, ["a", "b"])
    assert [mistake.row for mistake in found] == [30, 50, 20]
    assert found[1][:3] == (50, "a", "b")
    assert found[1][3:] == pytest.approx((0.4, 0.6, -math.log(0.4)))
    assert metrics.worst_mistakes(probs, labels, rows, ["a", "b"], most=2) == found[:2]
    assert metrics.mistakes_csv(found) == (
        b"row,true,predicted,prob_true,prob_predicted,loss\n"
        b"30,a,b,0,1,708.396\n50,a,b,0.4,0.6,0.916291\n20,a,b,0.4,0.6,0.916291\n"
    )


def test_without_mistakes_there_is_a_header_alone() -> None:
    """Nothing wrong gives an empty list and a table of no rows."""
    found = metrics.worst_mistakes(np.eye(2), np.arange(2), np.arange(2), ["a", "b"])
    assert found == []
    assert len(read(metrics.mistakes_csv(found))) == 1


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "-", "-1\n"])
def test_a_formula_is_defused(text: str) -> None:
    """A text that a spreadsheet would execute gets an apostrophe first."""
    assert metrics.safe_text(text) == "'" + text


@pytest.mark.parametrize(
    "text", ["-1", "+2.5", "-.5e-3", "-7.", "-1,5", "-1.234,5", "-1 234.5", "-5 %", "-inf", "a=b", "", "3-4", " =1"]
)
def test_a_number_or_plain_text_stays(text: str) -> None:
    """Negative numbers are no formulas, whatever marks decimals and thousands."""
    assert metrics.safe_text(text) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("\x07", "\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u202eb", "a\\u202eb"),
        ("a\x00", "a\\x00"),
    ],
)
def test_a_control_character_is_spelled_out_in_a_table(text: str, safe: str) -> None:
    """So are marks that turn the direction of writing; a text of people keeps its tabs, lines and spaces."""
    assert metrics.safe_text(text) == safe
    assert metrics.safe_text("a\tb\nc\u00a0d\u200be") == "a\tb\nc\u00a0d\u200be"


@given(st.lists(st.text(), min_size=1, max_size=4))
@example(["a\rb", "c"])
@example(['"', ",", "\n", "\r\n"])
def test_any_names_survive_the_table(names: list[str]) -> None:
    """Read back, header and rows hold the names (defused) and the counts."""
    n = len(names)
    cells = read(metrics.confusion_csv(np.arange(n * n).reshape(n, n), names))
    safe = [metrics.safe_text(name) for name in names]
    assert cells[0] == ["true\\predicted", *safe]
    assert [row[0] for row in cells[1:]] == safe
    assert [row[1:] for row in cells[1:]] == np.arange(n * n).reshape(n, n).astype(str).tolist()

"""Every text for people uses one word for one thing."""

from html import unescape
from pathlib import Path

import pytest
from sklearn.metrics import average_precision_score

from dropout_cli import plots
from dropout_cli.analysis import headlines, run_table
from dropout_cli.core import npz
from dropout_cli.report import run_report
from dropout_cli.runs import Run
from dropout_cli.runs.summary import epoch_words
from tests.small_run import train

MOONS = "dataset={name: moons, examples: 20000, val_fraction: 0.1, test_fraction: 0.1}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Its best epoch is not its last, and it has more training examples than are scored after an epoch."""
    found = train(tmp_path_factory.mktemp("words"), MOONS, "training.epochs=4", "training.optimizer.learning_rate=1")
    assert found.summary()["best_epoch"] < found.summary()["epochs"]
    return found


def test_the_best_epoch_and_the_evaluated_epoch_are_two_words_for_two_things(run: Run) -> None:
    """`show`, the figure and the report name both, each by what makes it."""
    best = run.summary()["best_epoch"]
    shown = dict(run_table.run_overview(run_table.run_facts(run)))
    assert shown["best_epoch"] == f"{best} (best val_accuracy; its weights were not evaluated)"
    assert shown["evaluated_epoch"] == "4 (the last epoch; its weights gave the numbers below)"
    page = run_report(run).decode()
    assert "The weights of epoch 4, the last one, were evaluated." in page
    assert f"By val_accuracy, epoch {best} was the best one; its weights were not evaluated." in page
    assert "with the weights of epoch 4" in page
    assert "chosen" not in page.partition("</style>")[2].partition("<script")[0]
    assert "The evaluated epoch is marked" in page


def test_it_is_said_which_training_examples_a_number_is_of(run: Run) -> None:
    """Those of metrics.csv are of at most 10,000, those of the summary of all."""
    told = "train, 10,000 of 16,000 examples"
    assert (
        dict(run_table.run_overview(run_table.run_facts(run)))["train.examples"]
        == "16,000 (metrics.csv uses 10,000 of them)"
    )
    page = run_report(run).decode()
    assert f"dropout off ({told})" in page and "Numbers of each part, of all its examples" in page
    history = run.table("metrics.csv").columns()
    assert plots.learning_curves(history, 4, told) != plots.learning_curves(history, 4)
    assert history["train_accuracy"][-1] != run.summary()["train"]["accuracy"]


def test_where_all_training_examples_are_scored_both_numbers_are_one(tmp_path: Path) -> None:
    """Then there is no explanation."""
    run = train(tmp_path)
    assert run.table("metrics.csv").columns()["train_accuracy"][-1] == run.summary()["train"]["accuracy"]
    assert dict(run_table.run_overview(run_table.run_facts(run)))["train.examples"] == "1,168"


def test_the_class_that_counts_as_positive_is_named(tmp_path: Path) -> None:
    """The second of two classes is named in `show`, at the end of `train` and in the report; three have none."""
    for dataset, name in (("breast_cancer", "benign"), ("iris", None)):
        run = train(tmp_path / dataset, f"dataset={{name: {dataset}}}", "training.batch_size=16")
        summary = run.summary()
        shown = dict(run_table.run_overview(run_table.run_facts(run)))
        page = unescape(run_report(run).decode())
        assert summary["test"]["per_class"][-1]["class"] == (name or "virginica")
        if name is None:
            assert "positive class" not in shown and "positive class" not in page
            continue
        assert shown["positive class"] == f"{name} (for roc_auc and average_precision)"
        assert f"(positive class {name})" in headlines.headline_lines(summary)[0]
        assert f"The positive class, for ROC AUC and average precision, is {name}" in page
        # The average precision is indeed that of this class.
        stored = npz.read_npz(run.read("predictions.npz"), "p")
        scores = stored["log_probabilities"][:, 1] - stored["log_probabilities"][:, 0]
        expected = average_precision_score(stored["labels"] == 1, scores)
        assert summary["test"]["average_precision"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("epochs", "best", "checkpoint", "said"),
    [
        (9, 9, "last", ("the weights of epoch 9, the best by val_nll, which is the last one, were evaluated", None)),
        (9, 4, "best", ("the weights of epoch 4, the best by val_nll, were evaluated", None)),
        (9, None, "last", ("the weights of epoch 9, the last one, were evaluated", None)),
    ],
)
def test_words_name_the_evaluated_epoch(epochs: int, best: int | None, checkpoint: str, said: tuple[str, str]) -> None:
    """Without a validation part there is no best epoch; the best and the last one may be the same."""
    summary = {"epochs": epochs, "best_epoch": best, "checkpoint": checkpoint, "monitor": best and "val_nll"}
    assert epoch_words(summary) == said

"""Every text for people uses one word for one thing."""

from pathlib import Path

import pytest

from dropout_cli import plots
from dropout_cli.analysis import run_table
from dropout_cli.report import run_report
from dropout_cli.runs import Run
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
    assert shown["best_epoch"] == f"{best} (chosen by val_accuracy)"
    assert shown["evaluated_epoch"] == "4 (its weights gave the numbers below)"
    page = run_report(run).decode()
    assert f"those of epoch 4, the last one (the best by val_accuracy was {best})" in page
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

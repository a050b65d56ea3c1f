"""train, resume, show and the report say if a simple model is better."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from dropout_cli import report
from dropout_cli.cli import output
from dropout_cli.runs import find_run
from dropout_cli.training import yardstick_messages
from tests.commands import dropout

CONFIG = """\
dataset: {dataset}
architecture: {{hidden: [8]}}
training: {{epochs: {epochs}, batch_size: 16, optimizer: {{name: adam, learning_rate: {rate}}}}}
"""


def trained(folder: Path, dataset: str, rate: float, epochs: int, *overrides: str) -> str:
    """Train on that dataset; return the text on stderr."""
    (folder / "c.yaml").write_text(CONFIG.format(dataset=dataset, rate=rate, epochs=epochs))
    done = dropout("train", "c.yaml", *overrides, "--no-plots", "--quiet", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stderr


def summary(ours: float, theirs: float, nll: float = 0.1, dummy_nll: float = 0.5, **more: Any) -> dict[str, Any]:
    """A summary as far as the sentence looks at it."""
    beside = {"dummy": {"val": None, "test": {"accuracy": theirs, "nll": dummy_nll}}, "linear": None}
    return {"test": {"accuracy": ours, "nll": nll}, "yardstick": beside} | more


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("breast_cancer", "This network is not better than always predicting the most common class: test accuracy 0."),
        ("diabetes", "This network is not better than always predicting the mean: test rmse "),
    ],
)
def test_a_network_that_loses_to_the_dummy_is_told_so_first(tmp_path: Path, dataset: str, said: str) -> None:
    """In the first sentence after training and of the report, above the table of `show`, and in log.txt."""
    stderr = trained(tmp_path, dataset, 1e-12, 1)
    sentence = stderr.splitlines()[0]
    assert sentence.startswith(said) and " compared with " in sentence
    shown = dropout("show", "latest", cwd=tmp_path)
    assert shown.stdout.startswith("test: ") and shown.stdout.index(f"{sentence}\n") < shown.stdout.index("status")
    run = find_run("latest", tmp_path / "runs")
    assert sentence in run.read("log.txt").decode().splitlines()
    page = unescape(report.run_report(run).decode())
    assert page.index(sentence) < page.index("<table") and "The network compared with simple models" in page
    went_on = dropout("resume", "latest", "--epochs", "2", "--no-plots", "--quiet", cwd=tmp_path)
    assert went_on.stderr.splitlines()[0].startswith(said)


def test_a_network_that_wins_is_shown_beside_them_without_a_word(tmp_path: Path) -> None:
    """`show` has one column each for the network and the simple models, in the words of the sentences."""
    assert trained(tmp_path, "breast_cancer", 1e-2, 10) == ""
    shown = dropout("show", "latest", cwd=tmp_path).stdout
    lines = [line.split() for line in shown.splitlines()]
    (header,) = (line for line in shown.splitlines() if line.split()[:2] == ["test", "network"])
    assert re.split("  +", header.strip()) == ["test", "network", "most common class", "logistic regression"]
    (row,) = (line for line in lines if line[:1] == ["accuracy"])
    assert float(row[1]) > float(row[2]) == 0.6316 and float(row[3]) > 0.9
    keys = [line[0] for line in lines if line]
    assert keys[keys.index("test.ece") + 1] == "test.ece_if_calibrated"
    assert "perfectly calibrated model" in report.run_report(find_run("latest", tmp_path / "runs")).decode()
    assert "is not better than" not in shown


def test_left_out_nothing_is_shown_of_them(tmp_path: Path) -> None:
    """`yardstick: none`: not a sentence, not a table, and the run is verified as any other."""
    assert trained(tmp_path, "breast_cancer", 1e-12, 1, "yardstick=none") == ""
    shown = dropout("show", "latest", cwd=tmp_path)
    page = report.run_report(find_run("latest", tmp_path / "runs")).decode()
    assert "most common class" not in shown.stdout and "simple models" not in page
    assert dropout("verify", "latest", cwd=tmp_path).returncode == 0
    refused = dropout("train", "c.yaml", "yardstick=off", cwd=tmp_path)
    assert refused.returncode == 2 and "must be 'auto' or 'none'" in refused.stderr


def test_equal_is_not_better_and_numbers_are_told_apart() -> None:
    """A network that answers the largest class itself does not beat it."""
    assert yardstick_messages.dummy_warning(summary(0.5, 0.5)) == (
        "This network is not better than always predicting the most common class: test accuracy 0.5 compared with 0.5."
    )
    assert "0.12341 compared with 0.12342." in str(yardstick_messages.dummy_warning(summary(0.12341, 0.12342)))


def test_probabilities_are_judged_where_the_classes_are_right() -> None:
    """By the negative log-likelihood, against the frequencies of the classes."""
    assert yardstick_messages.dummy_warning(summary(0.9, 0.5)) is None
    assert yardstick_messages.dummy_warning(summary(0.9, 0.5, nll=0.7)) == (
        "The probabilities of this network are not better than the frequencies of the classes: "
        "test nll 0.7 compared with 0.5, "
        "though its accuracy is 0.9 compared with 0.5."
    )


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"yardstick": None},
        {"yardstick": 3, "test": {"accuracy": 0.1}},
        {"yardstick": {"dummy": []}, "test": {"accuracy": 0.1}},
        summary(0.1, 0.5) | {"test": None},
        summary(0.1, 0.5) | {"task": "other"},
        summary(0.1, 0.5) | {"test": {"accuracy": "many"}},
    ],
)
def test_summaries_without_them_or_damaged_say_nothing(damaged: dict[str, Any]) -> None:
    """Old runs have no such key, and a hostile summary may have any content."""
    assert yardstick_messages.dummy_warning(damaged) is None
    found = yardstick_messages.yardstick_table(damaged)
    assert found is None or output.format_table(*found)

"""Statements about new data: none for training metrics, and a reason where no interval can be computed."""

import json
import re
from pathlib import Path

import pytest

from tests.commands import TINY, dropout

METRICS = "test.accuracy,val.error,val.macro_f1,train.error"


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep with a test part of its own, whose settings differ clearly by every metric."""
    folder = tmp_path_factory.mktemp("new")
    for name, step in (("table.csv", 7), ("test.csv", 5)):
        rows = "".join(f"{n % 2 + 0.1 * (n % step)},{n % 3},{n % 2}\n" for n in range(80))
        (folder / name).write_text(f"a,b,label\n{rows}")
    data = "{name: table, path: table.csv, test_path: test.csv, task: classification, scaling: standardize}"
    (folder / "tiny.yaml").write_text(TINY.replace("digits", data))
    values = ("training.optimizer.learning_rate=0.02,1e-9", "training.epochs=30", "yardstick=none")
    command = ("sweep", "tiny.yaml", *values, "--seeds", "5", "--metrics", METRICS, "--no-plots", "--quiet")
    done = dropout(*command, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_reason_names_every_metric_without_an_interval_for_new_data(swept: Path) -> None:
    """On varying validation parts there is none for validation metrics; nothing is said of training metrics."""
    found = json.loads(
        dropout("compare", "runs/sweep-tiny", "--metrics", METRICS, "--format", "json", cwd=swept).stdout
    )
    verdicts = {one["metric"]: (one["verdict"], one["new_data_interval"][0]) for one in found["comparisons"]}
    assert {verdict for verdict, _ in verdicts.values()} == {"worse"}
    assert verdicts["test.accuracy"][1] is not None and verdicts["val.error"][1] is None
    notes = "\n".join(found["notes"])
    differ = "because the validation examples differ from split to split."
    assert f"No interval for new data can be computed for val.error, {differ}" in notes
    assert "No interval for new data can be computed for val.macro_f1, because it is not a mean over examples." in notes
    assert "train.error, because" not in notes
    assert re.search(r"By train\.error, .* is worse than .* on these test examples \(", found["answer"]) is not None


def test_a_table_says_no_only_if_an_interval_denies_it(swept: Path) -> None:
    """Without an interval the cell is `n/a`, and empty for a training metric, which is not about new data."""
    tables = dropout("compare", "runs/sweep-tiny", "--metrics", METRICS, "--format", "csv", cwd=swept).stdout
    cells = {}
    for block in tables.split("training.optimizer.learning_rate,")[1:]:
        headers, *rows = ("," + block).splitlines()
        metric = next(name for name in headers.split(",") if name in METRICS.split(","))
        cells[metric] = next(row.split(",")[-1] for row in rows if "worse" in row)
    assert cells["test.accuracy"] in ("yes", "no")
    assert (cells["val.error"], cells["val.macro_f1"], cells["train.error"]) == ("n/a", "n/a", "")


def test_the_table_on_the_screen_has_seven_columns_and_all_on_request(swept: Path) -> None:
    """p-values, effect size and new data need --all-columns; a column that is empty in every row is left out."""
    for command in (("show", "runs/sweep-tiny"), ("compare", "runs/sweep-tiny")):
        short = dropout(*command, cwd=swept).stdout
        headers = next(line for line in short.splitlines() if "test.accuracy" in line and "verdict" in line)
        assert re.split(r"  +", headers.strip()) == [
            *("training.optimizer.learning_rate", "n", "test.accuracy", "95 % interval"),
            *("difference", "interval of difference", "verdict"),
        ]
        full = dropout(*command, "--all-columns", cwd=swept).stdout
        assert "p (Bonferroni)" in full and "d_z" in full and "confirmed for new data" in full
    by_train = dropout("compare", "runs/sweep-tiny", "--metric", "train.error", "--all-columns", cwd=swept).stdout
    assert "p (Holm)" in by_train and "new data" not in by_train

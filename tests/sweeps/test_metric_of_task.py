"""A metric of a different task is refused before training or comparing."""

import re
from pathlib import Path

import pytest

from dropout_cli.core.errors import ConfigError, UsageError
from dropout_cli.metrics import METRICS, comparable_metrics
from dropout_cli.sweeps.options import parse_metrics
from tests.checkout import ROOT
from tests.commands import dropout
from tests.small_run import train
from tests.small_sweep import BASE, planned


@pytest.mark.parametrize("metric", ["test.rmse", "val.r2"])
def test_a_sweep_of_classifications_has_no_numbers_of_regressions(metric: str, tmp_path: Path) -> None:
    """The file and the command line refuse it, and nothing is left behind."""
    with pytest.raises(
        ConfigError, match=rf"metric: '{metric}' is not a metric of a classification\. Choose from: acc"
    ):
        planned(tmp_path, f"grid: {{dropout.rate: [0, 0.2]}}\nseeds: 1\nmetric: {metric}\n")
    (tmp_path / "base.yaml").write_text(BASE)
    for more in ([], ["--dry-run"]):
        done = dropout("sweep", "base.yaml", "dropout.rate=0,0.2", "--metric", metric, *more, cwd=tmp_path)
        assert done.returncode == 2 and done.stderr.startswith("metric: ") and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_no_run_that_is_compared_has_it(tmp_path: Path) -> None:
    """There is no row without numbers; the default is the metric of the task."""
    run = train(tmp_path)
    done = dropout("compare", str(run.path), "--metric", "test.rmse", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("--metric: no run has 'test.rmse'.")
    assert "test.accuracy" in done.stderr and "test.mae" not in done.stderr
    regression = train(tmp_path / "r", "dataset={name: diabetes}", "architecture.hidden=[4]")
    done = dropout("compare", str(regression.path), cwd=tmp_path)
    assert done.returncode == 0 and "test.rmse" in done.stdout


def test_the_page_of_sweeps_lists_the_metrics_of_each_task() -> None:
    """In the order in which an error lists them."""
    page = (ROOT / "docs/sweeps.md").read_text()
    for task, row in (("classification", "classes"), ("regression", "regression")):
        (cell,) = re.findall(rf"^\| {row} \| (`accuracy`.*|`rmse`.*) \|$", page, re.MULTILINE)
        assert tuple(re.findall(r"`(\w+)`", cell)) == tuple(comparable_metrics(task))


def test_a_wrong_name_of_a_metric_lists_all_names() -> None:
    """As `--metrics help` does, too."""
    for metric, metrics in (("help", None), (None, "test.accuracy,help")):
        with pytest.raises(UsageError) as error:
            parse_metrics(metric, metrics)
        assert all(name in str(error.value) for name in METRICS)

"""The command `dropout sweep`, and its dry run."""

import json
from pathlib import Path

from dropout_cli.sweeps import estimate
from tests.commands import dropout
from tests.small_sweep import BASE, planned


def test_a_dry_run_says_what_to_expect(tmp_path: Path) -> None:
    """A dry run gives numbers of runs and epochs, time and space, and writes nothing."""
    facts = dict(estimate.estimate_cost(planned(tmp_path, "grid: {dropout.variant: [none, inverted]}\nseeds: 3\n")))
    assert facts["cells"] == 6
    assert facts["epochs"] == 12
    assert str(facts["disk space to expect"]).endswith("MB")
    assert facts["comparisons"] == "1"
    assert facts["difference seen with 80 % probability"] == (
        "3.3 standard deviations of the paired differences (for example, if differences vary by 0.002 from seed to "
        "seed, this is 0.007)"
    )
    assert set(path.name for path in tmp_path.iterdir()) == {"base.yaml", "sweep.yaml"}


def test_the_command(tmp_path: Path) -> None:
    """The command prints table, notes and folder, or JSON; the exit code of failures is 5."""
    (tmp_path / "base.yaml").write_text(BASE)
    arguments = ("sweep", "base.yaml", "dropout.variant=none,inverted", "--seeds", "2", "--no-plots")
    done = dropout(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "runs/sweep-base"
    assert "not decided" in done.stdout and "2 splits are too few (at least 3 are needed)" in done.stdout
    assert "4/4 runs" in done.stderr
    shown = json.loads(dropout(*arguments, "--json", "--quiet", cwd=tmp_path).stdout)
    assert shown["comparisons"][0]["baseline"] == {"dropout.variant": "none"}
    failed = dropout(
        "sweep", "base.yaml", "training.optimizer.learning_rate=1e30", "--seeds", "1", "--out", "f", cwd=tmp_path
    )
    assert failed.returncode == 5
    wrong = dropout("sweep", "base.yaml", "dropout.rate=0,2", cwd=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    dry = dropout("sweep", "base.yaml", "dropout.rate=0,0.2", "--dry-run", "--out", "nowhere", cwd=tmp_path)
    assert dry.returncode == 0
    assert not (tmp_path / "nowhere").exists()


def test_a_sweep_of_regressions_compares_errors(tmp_path: Path) -> None:
    """The default metric of regressions is test.rmse, and smaller is better."""
    (tmp_path / "c.yaml").write_text(
        "dataset: {name: diabetes, scaling: standardize}\n"
        "architecture: {name: mlp, hidden: [8]}\ndropout: {variant: inverted, rate: 0.1}\ntraining: {epochs: 5}\n"
    )
    done = dropout("sweep", "c.yaml", "dropout.rate=0,0.9", "--seeds", "3", cwd=tmp_path)
    assert done.returncode == 0 and "test.rmse" in done.stdout and "Warning" not in done.stderr, done.stderr
    assert dropout("verify", "runs/sweep-c", cwd=tmp_path).returncode == 0

"""`dropout ensemble SWEEP`: trained runs of one setting as an ensemble."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_cli.runs import Run
from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.inspections import read_sweep_inspections
from tests.commands import dropout

TABLE = "length,width,kind\n" + "".join(f"{1 + n * 7 % 11},{n % 5},{'ab'[n * 7 % 11 > 4]}\n" for n in range(90))
CONFIG = """\
dataset: {name: table, path: t.csv, val_fraction: 0.2}
architecture: {name: mlp, hidden: [6, 6]}
dropout: {variant: inverted, rate: 0.2}
training: {epochs: 3, batch_size: 16}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep of two rates whose runs share the split, and one of a single rate."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "t.csv").write_text(TABLE)
    (folder / "c.yaml").write_text(CONFIG)
    usual = ("--jobs", "1", "--no-plots", "--quiet", "--splits", "same")
    for words in (
        ("dropout.rate=0,0.4", "--seeds", "3", "--out", "two"),
        ("--seeds", "2", "--out", "one"),
    ):
        done = dropout("sweep", "c.yaml", *words, *usual, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def study(home: Path, *words: str) -> dict[str, object]:
    """Return the JSON object that `dropout ensemble` prints."""
    done = dropout("ensemble", *words, "--json", "--networks", "3", cwd=home)
    assert done.returncode == 0, done.stderr
    printed: dict[str, object] = json.loads(done.stdout)
    return printed


def test_trained_runs_are_averaged_from_their_stored_predictions(home: Path) -> None:
    """The average has the scores of the mean of the stored probabilities; sampled networks of a run are beside it."""
    found = study(home, "two", "--setting", "dropout.rate=0.4")["ensemble-rate-0.4"]
    assert isinstance(found, dict)
    records, _ = stored_plan.read_runs(SweepFolder(home / "two"))
    runs = [one.path for one in records if one.values["dropout.rate"] == 0.4]
    stored = [np.load(Path(run, "predictions.npz")) for run in runs]
    mean: Any = np.mean([one["probabilities"] for one in stored], axis=0, dtype=np.float64)
    labels = stored[0]["labels"]
    average = found["trained_runs"]["arithmetic_mean"]
    assert average["accuracy"] == pytest.approx((mean.argmax(axis=1) == labels).mean(), abs=1e-12)
    assert average["nll"] == pytest.approx(-np.log(mean[np.arange(len(labels)), labels]).mean(), abs=1e-6)
    single = [record.score("test.nll") for record in records if record.path in runs]
    assert found["trained_runs"]["single"]["nll"]["mean"] == pytest.approx(np.mean(single), abs=1e-9)
    assert found["sampled_networks"]["count"] == 3 and found["trained_runs"]["count"] == 3
    assert found["sampled_networks"]["run"] == Path(runs[0]).name


def test_a_sweep_with_a_study_stays_clean_and_its_report_shows_it(home: Path) -> None:
    """`verify` passes with figures and after the study was made again without; the report has a section."""
    for words in ((), ("--no-plots",)):
        study(home, "one", *words)
        done = dropout("verify", "one", cwd=home)
        assert done.returncode == 0, done.stdout
        assert (home / "one/ensemble/error_by_networks.png").exists() == (not words)
    (inspection,) = read_sweep_inspections(SweepFolder(home / "one"))
    assert inspection.folder == "ensemble" and inspection.title == "Ensemble of 2 trained runs"
    assert dropout("report", "one", cwd=home).returncode == 0
    page = (home / "one/report.html").read_text()
    assert "Ensemble of 2 trained runs" in page and inspection.figures[0].finding in page
    again = dropout("sweep", "c.yaml", "--seeds", "2", "--out", "one", "--jobs", "1", "--splits", "same", cwd=home)
    assert again.returncode == 0 and (home / "one/ensemble/results.json").exists()
    assert dropout("verify", "one", cwd=home).returncode == 0


def test_without_its_data_a_sweep_still_shows_its_trained_runs(home: Path) -> None:
    """The stored predictions suffice; a notice says why the sampled networks are missing."""
    with_data = study(home, "one")["ensemble"]
    (home / "t.csv").rename(home / "away.csv")
    try:
        done = dropout("ensemble", "one", "--json", "--networks", "3", cwd=home)
    finally:
        (home / "away.csv").rename(home / "t.csv")
    assert done.returncode == 0 and "The sampled networks of a run are not shown." in done.stderr
    assert "t.csv" in done.stderr
    without = json.loads(done.stdout)["ensemble"]
    assert isinstance(with_data, dict)
    assert without["trained_runs"] == with_data["trained_runs"] and "sampled_networks" not in without


def test_runs_without_noise_are_an_ensemble_without_sampled_networks(home: Path) -> None:
    """At rate 0 only the trained runs are shown."""
    found = study(home, "two", "--setting", "dropout.rate=0")["ensemble-rate-0"]
    assert isinstance(found, dict) and "sampled_networks" not in found and found["trained_runs"]["count"] == 3


def test_numbers_of_one_run_are_named_by_its_seed(home: Path) -> None:
    """Weight scaling and sampled networks belong to the first run: in the sentence, the table and the figure."""
    done = dropout("ensemble", "one", "--networks", "3", "--no-plots", cwd=home)
    assert done.returncode == 0, done.stderr
    (inspection,) = read_sweep_inspections(SweepFolder(home / "one"))
    weight_scaling, sampled = (f"{kind} of seed 0" for kind in ("weight scaling", "sampled networks"))
    (figure,) = inspection.figures
    assert set(figure.columns["networks"]) == {"trained runs", sampled, weight_scaling}
    assert f"; averaging 3 {sampled} " in figure.finding and f"; {weight_scaling} has " in figure.finding
    names = [str(row[0]) for row in inspection.rows]
    assert "no noise (weight scaling) of seed 0" in names
    assert f"one of 3 {sampled}, mean" in names and "one of 2 trained runs, mean" in names
    runs = [path.name for path in (home / "one/cells").iterdir()]
    assert not any(run[-12:] in done.stdout for run in runs)


def test_runs_with_different_test_parts_are_no_ensemble(home: Path) -> None:
    """The message says how to get runs that share one; one run is no ensemble either. Nothing is left."""
    for seeds, fact in (
        ("2", "the 2 runs of this setting have different test parts"),
        ("1", "at least 2 runs of one setting"),
    ):
        words = ("--seeds", seeds, "--out", f"own{seeds}", "--jobs", "1", "--no-plots", "--quiet")
        assert dropout("sweep", "c.yaml", *words, cwd=home).returncode == 0
        done = dropout("ensemble", f"own{seeds}", cwd=home)
        assert done.returncode == 2 and fact in done.stderr and not (home / f"own{seeds}/ensemble").exists()
        assert dropout("verify", f"own{seeds}", cwd=home).returncode == 0


def test_runs_without_stored_predictions_are_named(home: Path, tmp_path: Path) -> None:
    """A run whose file is missing is named in one line."""
    (run, _) = sorted((home / "one/cells").iterdir())
    (run / "predictions.npz").rename(tmp_path / "kept.npz")
    done = dropout("ensemble", "one", cwd=home)
    (tmp_path / "kept.npz").rename(run / "predictions.npz")
    assert done.returncode == 2 and f"{run.name}/predictions.npz: is missing" in done.stderr
    assert Run(run).final_status == "completed"


@pytest.mark.parametrize("option", ["--exact", "--split=val", "--checkpoint=last", "--allow-changed-data"])
def test_options_of_a_run_are_not_for_a_sweep(home: Path, option: str) -> None:
    """One line names the option."""
    done = dropout("ensemble", "one", option, cwd=home)
    assert done.returncode == 2 and f"{option.partition('=')[0]}: works on a run" in done.stderr

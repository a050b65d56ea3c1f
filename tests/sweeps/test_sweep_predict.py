"""From a sweep to a prediction: the runs of one setting predict together."""

import csv
import io
import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis import predict
from dropout_cli.analysis.combine_runs import combine_runs
from dropout_cli.core.errors import UsageError
from dropout_cli.runs import Run
from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.folder import SweepFolder
from tests.commands import dropout
from tests.small_run import train

CONFIG = """\
dataset: {name: table, path: t.csv, val_fraction: 0.2}
architecture: {name: mlp, hidden: [6]}
dropout: {variant: inverted, rate: 0.2}
training: {epochs: 3, batch_size: 16}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished sweep of two rates and three seeds over a table, and new rows."""
    folder = tmp_path_factory.mktemp("sweep")
    rng = np.random.default_rng(0)
    rows = [
        (x, color) for x, color in zip(rng.normal(10, 2, 120).round(2), rng.choice(["red", "blue"], 120), strict=True)
    ]
    lines = [f"{x},{color},{'big' if x + 2 * (color == 'red') > 11 else 'small'}\n" for x, color in rows]
    (folder / "t.csv").write_text("size,color,kind\n" + "".join(lines))
    (folder / "new.csv").write_text("size,color\n9.5,red\n11,blue\n,red\n")
    (folder / "c.yaml").write_text(CONFIG)
    done = dropout("sweep", "c.yaml", "dropout.rate=0,0.4", "--seeds", "3", "--jobs", "1", "--no-plots", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stderr)
    (folder / "printed.txt").write_text(done.stdout)
    return folder


def table(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV text."""
    return list(csv.DictReader(io.StringIO(text)))


def numbers(rows: list[dict[str, str]], name: str) -> list[float]:
    """Return a column of numbers."""
    return [float(row[name]) for row in rows]


def test_a_sweep_ends_with_the_next_commands_and_they_work(home: Path) -> None:
    """The last lines of stderr are report, compare and predict; the last line of stdout is the folder."""
    following, new_data = (home / "said.txt").read_text().splitlines()[-2:]
    assert following == "Next: dropout report runs/sweep-c, dropout compare runs/sweep-c"
    assert new_data == "New data: dropout predict runs/sweep-c FILE"
    assert (home / "printed.txt").read_text().splitlines()[-1] == "runs/sweep-c"
    commands = [*following.removeprefix("Next: ").split(", "), new_data.removeprefix("New data: ")]
    for command in commands:
        words = shlex.split(command.replace("FILE", "new.csv"))[1:]
        assert dropout(*words, cwd=home).returncode == 0
    again = ("sweep", "c.yaml", "dropout.rate=0,0.4", "--seeds", "3", "--no-plots", "--quiet")
    assert dropout(*again, cwd=home).stderr == ""


def test_the_runs_of_a_setting_predict_their_mean(home: Path) -> None:
    """Each probability is the mean over the runs of the setting, and run_sd is its standard deviation."""
    done = dropout("predict", "runs/sweep-c", "new.csv", "--setting", "dropout.rate=0.4", cwd=home)
    assert done.returncode == 0 and done.stderr == "Predicting with rate 0.4: 3 runs, averaged.\n"
    records, _ = stored_plan.read_runs(SweepFolder(home / "runs/sweep-c"))
    runs = [Path(one.path) for one in records if one.values["dropout.rate"] == 0.4]
    assert len(runs) == 3
    alone = [table(dropout("predict", str(run), "new.csv", cwd=home).stdout) for run in runs]
    together = table(done.stdout)
    assert list(together[0]) == [*alone[0][0], "run_sd big", "run_sd small"]
    for name in ("big", "small"):
        each = np.array([numbers(one, f"probability {name}") for one in alone])
        np.testing.assert_allclose(numbers(together, f"probability {name}"), each.mean(axis=0), atol=2e-6)
        np.testing.assert_allclose(numbers(together, f"run_sd {name}"), each.std(axis=0, ddof=1), atol=4e-6)
    best = ["big" if float(row["probability big"]) > 0.5 else "small" for row in together]
    assert [row["predicted"] for row in together] == best


def test_without_a_name_the_best_setting_on_validation_predicts(home: Path) -> None:
    """It is the setting that the notes name, and one line says so with the number of runs."""
    done = dropout("predict", "sweep-c", "new.csv", "--json", "--mc", "3", cwd=home)
    notes = (home / "runs/sweep-c/notes.txt").read_text()
    said = json.loads(done.stdout)
    rate = said["setting"]["dropout.rate"]
    assert f"The best setting on the validation part is rate {rate:g}" in notes
    best = f"Predicting with the best setting on the validation part, rate {rate:g}: 3 runs, averaged."
    assert done.stderr.splitlines()[0] == best
    assert len(said["runs"]) == 3 and len(said["predictions"]) == 3
    named = dropout(
        "predict", "sweep-c", "new.csv", "--json", "--mc", "3", "--setting", f"dropout.rate={rate}", cwd=home
    )
    assert json.loads(named.stdout) == said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--setting", "dropout.rate=0.3"],
            "--setting: no complete run has dropout.rate=0.3. The settings are: rate 0",
        ),
        (["--setting", "dropout.rte=0.4"], "--setting: no complete run has dropout.rte=0.4. The settings are: rate 0"),
    ],
)
def test_a_setting_that_does_not_exist_is_refused(home: Path, words: list[str], said: str) -> None:
    """One line names the settings that there are."""
    done = dropout("predict", "runs/sweep-c", "new.csv", *words, cwd=home)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


def test_a_setting_needs_a_sweep(home: Path) -> None:
    """`--setting` with a run is refused."""
    run = next(iter((home / "runs/sweep-c/cells").iterdir()))
    done = dropout("predict", str(run), "new.csv", "--setting", "dropout.rate=0", cwd=home)
    assert done.returncode == 2 and done.stderr.startswith("--setting: works on a sweep.")


def test_runs_with_other_classes_are_refused(tmp_path: Path) -> None:
    """Probabilities of different classes have no mean; the error names run and difference."""
    runs: list[Run] = []
    for classes in ("ab", "ac"):
        (tmp_path / f"{classes}.csv").write_text("x,y\n" + "".join(f"{n},{classes[n % 2]}\n" for n in range(60)))
        source = f"dataset={{name: table, path: {tmp_path}/{classes}.csv}}"
        runs.append(train(tmp_path / classes, source, "training.epochs=1", "training.batch_size=16"))
    (tmp_path / "new.csv").write_text("x\n1\n")
    with pytest.raises(UsageError, match=r"has other classes than .*, so their predictions cannot be averaged"):
        list(predict.predict_file(runs, tmp_path / "new.csv"))


def test_a_mixture_has_the_mean_and_the_variance_of_all_its_draws() -> None:
    """Law of total variance for numbers; entropy of the mean for classes."""
    rng = np.random.default_rng(0)
    means, sds = rng.normal(0, 3, (4, 5, 2)), rng.uniform(0.5, 2, (4, 5, 2))
    combined = combine_runs(
        [{"mean": mean, "sd": sd} for mean, sd in zip(means, sds, strict=True)],
        [{"model_sd": sd / 2, "noise_sd": sd} for sd in sds],
    )
    draws = means[:, None] + sds[:, None] * rng.standard_normal((4, 200_000, 5, 2))
    # 5 standard errors of the sd of 800,000 draws are at most .5 %.
    np.testing.assert_allclose(combined.prediction["sd"], draws.reshape(-1, 5, 2).std(axis=0), rtol=0.01)
    np.testing.assert_allclose(combined.prediction["mean"], means.mean(axis=0))
    assert combined.run_sd is not None
    np.testing.assert_allclose(combined.run_sd, means.std(axis=0, ddof=1))
    np.testing.assert_allclose(combined.uncertainties["noise_sd"] ** 2, (sds**2).mean(axis=0))
    certain = [{"probabilities": p, "log_probabilities": np.log(np.maximum(p, 1e-300))} for p in np.eye(2)[:, None]]
    zero = np.zeros(1)
    split = combine_runs(certain, [{"predictive_entropy": zero, "expected_entropy": zero}] * 2)
    np.testing.assert_allclose(split.uncertainties["mutual_information"], np.log(2))
    np.testing.assert_allclose(split.prediction["log_probabilities"], np.log(0.5))

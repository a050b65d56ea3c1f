"""The end of `train` is its result: numbers, simple models, folder and the next commands."""

import html
import itertools
import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import statistics
from dropout_cli.analysis import headlines
from dropout_cli.analysis.yardstick_lines import yardstick_lines
from dropout_cli.cli.progress import MAX_EPOCH_LINES, shown_epochs
from dropout_cli.core import npz
from dropout_cli.core.types import Array
from dropout_cli.runs import Run
from tests.commands import TINY, dropout


def test_train_ends_with_its_result(tmp_path: Path) -> None:
    """Test numbers, simple models, folder and commands are on stderr; the commands work as they are printed."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout("train", "tiny.yaml", "--no-plots", "--runs-dir", "my runs", cwd=tmp_path)
    path = done.stdout.removesuffix("\n")
    lines = done.stderr.splitlines()[-7:]
    summary = json.loads((tmp_path / path / "summary.json").read_text())
    test = summary["test"]
    assert lines[0] == f"test: accuracy {100 * test['accuracy']:.1f} %, loss {test['nll']:.3g}, 359 examples"
    yardstick = {name: summary["yardstick"][name]["test"]["accuracy"] for name in ("dummy", "linear")}
    assert yardstick["dummy"] < test["accuracy"] < yardstick["linear"]
    ours, theirs = 100 * test["accuracy"], {name: 100 * value for name, value in yardstick.items()}
    assert lines[1].startswith(
        f"Not decided whether better or worse than always predicting the most common class ({theirs['dummy']:.1f} %): "
        f"difference +{ours - theirs['dummy']:.1f} points (-"
    )
    assert lines[2].startswith(
        f"Worse than logistic regression ({theirs['linear']:.1f} %): difference {ours - theirs['linear']:.1f} points (-"
    )
    assert lines[3] == "Intervals: 95 %, for new examples and this network, from 359 test examples."
    assert lines[4] == f"Run folder: {path}"
    quoted = shlex.quote(path)
    assert lines[5] == f"Next: dropout show {quoted}, dropout report {quoted}"
    assert lines[6] == f"New data: dropout predict {quoted} FILE --mc 50"
    shown = dropout("show", path, cwd=tmp_path).stdout
    page = dropout("report", path, "-o", "page.html", cwd=tmp_path)
    assert page.returncode == 0 and all(line in shown for line in lines[1:4])
    assert " ".join(lines[1:4]) in html.unescape((tmp_path / "page.html").read_text())
    for command in lines[5].removeprefix("Next: ").split(", "):
        assert dropout(*shlex.split(command)[1:], cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    "overrides",
    [
        ["dropout.variant=none"],
        ["dropout.rate=0"],
        ["dropout.rate=0.5", "dropout.rate_schedule={name: linear, start: 0.5, end: 0}"],
    ],
)
def test_without_noise_there_is_no_hint_of_passes(tmp_path: Path, overrides: list[str]) -> None:
    """Equal passes would look like certainty; this also holds for a rate that falls to 0."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout("train", "tiny.yaml", *overrides, "--no-plots", cwd=tmp_path)
    assert done.returncode == 0 and "New data: dropout predict" in done.stderr and "--mc" not in done.stderr


def test_quiet_leaves_stdout_alone_and_json_has_the_result_too(tmp_path: Path) -> None:
    """--quiet prints warnings alone; --json changes stdout only."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    quiet = dropout("train", "tiny.yaml", "yardstick=none", "--no-plots", "--quiet", cwd=tmp_path)
    assert quiet.stderr == "" and len(quiet.stdout.splitlines()) == 1
    printed = dropout("train", "tiny.yaml", "yardstick=none", "--no-plots", "--json", cwd=tmp_path)
    assert json.loads(printed.stdout)["test"] and "\ntest: accuracy " in printed.stderr
    resumed = dropout("resume", "latest", "--epochs", "3", "--no-plots", cwd=tmp_path)
    assert "Run folder: " in resumed.stderr and len(resumed.stdout.splitlines()) == 1


def test_long_trainings_show_few_epochs_and_keep_all(tmp_path: Path) -> None:
    """Ten lines elsewhere than on a terminal; metrics.csv and log.txt have every epoch."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout("train", "tiny.yaml", "training.epochs=25", "yardstick=none", "--no-plots", cwd=tmp_path)
    shown = [line for line in done.stderr.splitlines() if line.startswith("epoch ")]
    run = tmp_path / done.stdout.strip()
    logged = [line for line in (run / "log.txt").read_text().splitlines() if line.startswith("epoch ")]
    assert len(shown) == MAX_EPOCH_LINES and len(logged) == 25 and len((run / "metrics.csv").read_text().split()) == 26
    assert shown[0] == logged[0] and shown[-1] == logged[-1] and set(shown) < set(logged)


def test_an_early_end_shows_the_last_epoch(tmp_path: Path) -> None:
    """Early stopping ends the training between two lines; the last epoch is shown all the same."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout(
        "train",
        "tiny.yaml",
        "training.epochs=1000",
        "training.early_stopping={patience: 2, min_delta: 10}",
        "yardstick=none",
        "--no-plots",
        cwd=tmp_path,
    )
    shown = [line for line in done.stderr.splitlines() if line.startswith("epoch ")]
    logged = [
        line for line in (tmp_path / done.stdout.strip() / "log.txt").read_text().splitlines() if "epoch " in line
    ]
    assert 2 <= len(logged) <= 5 and shown == [logged[0], logged[-1]]


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 10), (1, 11), (7, 60), (1, 1_000_000), (60, 60)])
def test_shown_epochs_are_even(first: int, last: int) -> None:
    """First and last are shown, at most ten, and distances differ by one at most."""
    shown = sorted(shown_epochs(first, last))
    assert shown[0] == first and shown[-1] == last and len(shown) == min(MAX_EPOCH_LINES, last - first + 1)
    gaps = {after - before for before, after in itertools.pairwise(shown)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_unequal_classes_have_more_than_accuracy(tmp_path: Path) -> None:
    """ROC AUC and balanced accuracy are shown if one class has over 1.5 times the examples of another."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    for dataset, unequal in (("breast_cancer", True), ("digits", False)):
        overrides = [f"dataset={{name: {dataset}}}", "yardstick=none", "--no-plots", "--quiet"]
        run = dropout("train", "tiny.yaml", *overrides, cwd=tmp_path).stdout.strip()
        lines = dropout("show", run, cwd=tmp_path).stdout.splitlines()
        assert lines[0].startswith("test: accuracy ") and lines[1].startswith("validation: accuracy ")
        assert (", ROC AUC 0." in lines[0] and ", balanced accuracy " in lines[0]) == unequal
    old = {"per_class": [{"support": 9, "recall": 1.0}, {"support": 3, "recall": 0.5}], "accuracy": 0.875, "nll": 0.25}
    assert headlines.headline_lines({"test": old}) == [
        "test: accuracy 87.5 %, loss 0.25, balanced accuracy 75.0 %, 12 examples"
    ]


def test_a_regression_has_its_own_words(tmp_path: Path) -> None:
    """RMSE, MAE and R2 instead of accuracy; the mean is its simplest model."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    overrides = ["dataset={name: diabetes}", "objective=squared_error", "training.epochs=3"]
    done = dropout("train", "tiny.yaml", *overrides, "--no-plots", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("test: "))
    assert [fact.split()[0] for fact in line.removeprefix("test: ").split(", ")][:3] == ["RMSE", "MAE", "R2"]
    (line,) = (line for line in done.stderr.splitlines() if "ridge regression (" in line)
    run = Run(tmp_path / done.stdout.strip())
    stored, models = (npz.read_npz(run.read(name), name) for name in ("predictions.npz", "yardstick.npz"))
    ours, theirs = ((values - stored["labels"]) ** 2 for values in (stored["mean"], models["linear"]))
    found = statistics.paired_bootstrap(ours, theirs)
    assert found.second == pytest.approx(run.summary()["yardstick"]["linear"]["test"]["rmse"], rel=1e-9)
    words = {(True, True): "Worse", (False, False): "Better", (False, True): "Not decided"}
    assert line.startswith(words[found.interval.low > 0, found.interval.high > 0])


def test_a_difference_is_worded_by_its_interval(tmp_path: Path) -> None:
    """Without stored predictions of the simple models, as in old runs, the line is the old one."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    run = Run(tmp_path / dropout("train", "tiny.yaml", "--no-plots", "--quiet", cwd=tmp_path).stdout.strip())
    summary = run.summary()
    stored = npz.read_npz(run.read("predictions.npz"), "p")
    labels = stored["labels"]
    ours = stored["probabilities"].argmax(axis=1)
    right = np.flatnonzero(ours == labels)

    def verdict(predicted: Array) -> str:
        scores = summary["yardstick"]["linear"] | {"test": {"accuracy": float((predicted == labels).mean())}}
        changed = summary | {"yardstick": summary["yardstick"] | {"linear": scores}}
        models = {"linear": predicted, "rows": stored["rows"]}
        (run.path / "yardstick.npz").write_bytes(npz.write_npz(**models, dummy=np.zeros_like(labels)))
        return yardstick_lines(changed, run)[1].partition(" logistic")[0]

    worse, better = ours.copy(), labels.copy()
    worse[right[:40]] = (labels[right[:40]] + 1) % 10
    nearly = ours.copy()
    nearly[right[:2]] = (labels[right[:2]] + 1) % 10
    assert verdict(worse) == "Better than" and verdict(better) == "Worse than"
    assert verdict(nearly) == verdict(ours) == "Not decided whether better or worse than"
    (run.path / "yardstick.npz").unlink()
    (line,) = yardstick_lines(summary, run)
    assert line.startswith("Better than always predicting the most common class (") and "interval" not in line.lower()


def test_a_missing_roc_auc_is_computed_from_the_predictions(tmp_path: Path) -> None:
    """Runs of older versions lack it; the number is that of a summary which has it."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    overrides = ["dataset={name: breast_cancer}", "yardstick=none", "--no-plots", "--quiet"]
    run = Run(tmp_path / dropout("train", "tiny.yaml", *overrides, cwd=tmp_path).stdout.strip())
    summary = run.summary()
    older = {**summary, "test": {key: value for key, value in summary["test"].items() if key != "roc_auc"}}
    assert headlines.headline_lines(older, run) == headlines.headline_lines(summary)
    assert "ROC AUC" not in headlines.headline_lines(older)[0]
    (run.path / "predictions.npz").write_bytes(b"damaged")
    assert headlines.headline_lines(older, run) == headlines.headline_lines(older)


@pytest.mark.parametrize(
    "damaged", [{}, {"test": 3}, {"test": {"per_class": []}}, {"test": {"per_target": [{}]}}, {"test": {"accuracy": 1}}]
)
def test_a_damaged_summary_has_no_headline(damaged: dict[str, object]) -> None:
    """A run from elsewhere may have any summary; `show` prints its table all the same."""
    assert headlines.headline_lines(damaged) == [] and yardstick_lines(damaged) == []

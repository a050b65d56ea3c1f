"""`dropout eval --mc-curve`: scores against the number of passes, beside the other evaluations of the run."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis import evaluate
from dropout_cli.analysis.certainty.mc_curve import compare_pass_counts
from dropout_cli.analysis.inspection import read_inspections, write_inspection
from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.runs import Run
from dropout_cli.tasks import Regression
from dropout_cli.training import restore
from dropout_cli.training.forward_passes import noisy_passes
from dropout_cli.training.pass_noise import fit_pass_noises
from tests.commands import dropout
from tests.small_run import train

DIABETES = ("dataset={name: diabetes, scaling: standardize}", "architecture.hidden=[8]", "dropout.rate=0.2")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished classifier, which no test changes but for its after/."""
    return train(tmp_path_factory.mktemp("curve"))


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished regression that predicts no variances."""
    return train(tmp_path_factory.mktemp("curve"), *DIABETES)


def test_the_ends_of_a_curve_are_other_evaluations(run: Run) -> None:
    """The last row is `eval --mc T`, the constant columns are `eval`; both to rounding."""
    numbers = compare_pass_counts(run, 12).numbers
    assert [row["passes"] for row in numbers["curve"]] == [1, 2, 5, 10, 12]
    assert [row["blocks"] for row in numbers["curve"]] == [12, 6, 2, 1, 1]
    found = evaluate.evaluate_monte_carlo(run, 12, thinned=0, figures=False)
    last = numbers["curve"][-1]
    for name in ("error", "nll", "brier", "ece"):
        assert last[name] == pytest.approx(found["monte_carlo"][name], rel=1e-12)
        assert last[f"{name}_weight_scaling"] == numbers["weight_scaling"][name] == found["weight_scaling"][name]
    for name in ("mutual_information", "mutual_information_corrected"):
        assert last[name] == pytest.approx(found[name], rel=1e-12)


def test_each_pass_alone_is_a_block_of_one(run: Run) -> None:
    """The first of two passes is `eval --mc 1`; mutual information needs two."""
    first = compare_pass_counts(run, 2).numbers["curve"][0]
    one = evaluate.evaluate_monte_carlo(run, 1, thinned=0, figures=False)
    assert first["blocks"] == 2 and first["mutual_information"] == 0
    assert first["mutual_information_corrected"] is None
    assert first["nll"] != one["monte_carlo"]["nll"]
    assert abs(first["nll"] - one["monte_carlo"]["nll"]) < 0.5 * one["monte_carlo"]["nll"]


def test_a_spread_stands_where_there_are_five_blocks(run: Run) -> None:
    """Of 12 passes, for T = 1 and 2; the sentence says up to where. Four passes have none."""
    found = compare_pass_counts(run, 12)
    known = [row["passes"] for row in found.numbers["curve"] if row["error_sd"] is not None]
    assert known == [1, 2] and found.sentences[1].endswith("12 passes have them up to 2 passes per block.")
    few = compare_pass_counts(run, 4)
    assert all(row["nll_sd"] is None for row in few.numbers["curve"])
    assert few.sentences[1].endswith("4 passes have none. Use at least 5 passes.")


def test_the_predicted_scores_are_close_to_the_measured_ones(run: Run, regression: Run) -> None:
    """Equal at both ends; between them within 4 standard errors of the blocks' mean, and the limit is the lowest."""
    for one, name in ((run, "brier"), (regression, "mse")):
        numbers = compare_pass_counts(one, 60).numbers
        rows = numbers["curve"]
        for row in (rows[0], rows[-1]):
            assert row[f"{name}_predicted"] == pytest.approx(row[name], rel=1e-12)
        for row in rows:
            if row[f"{name}_sd"] is not None:
                error = row[f"{name}_sd"] / np.sqrt(row["blocks"])
                assert abs(row[f"{name}_predicted"] - row[name]) < 4 * error
        assert numbers[f"{name}_limit"] < min(row[f"{name}_predicted"] for row in rows)
        assert numbers[f"{name}_variance"] > 0


@pytest.mark.parametrize("objective", ["squared_error", "gaussian_nll"])
def test_the_curve_of_a_regression_ends_with_its_evaluation(tmp_path: Path, objective: str) -> None:
    """RMSE and both likelihoods are those of `eval --mc T`, also where the network predicts variances."""
    run = train(tmp_path, *DIABETES, f"objective={objective}")
    for passes in (2, 6):
        numbers = compare_pass_counts(run, passes, split="val").numbers
        found = evaluate.evaluate_monte_carlo(run, passes, thinned=0, split="val", figures=False)
        last = numbers["curve"][-1]
        assert last["rmse"] == pytest.approx(found["monte_carlo"]["rmse"], rel=1e-12)
        assert last["mse"] == pytest.approx(last["rmse"] ** 2, rel=1e-12)
        for name in ("nll_gaussian", "nll_log_mean_exp"):
            assert last[name] == pytest.approx(found[name], rel=1e-10)
        assert last["nll_gaussian_weight_scaling"] == pytest.approx(found["weight_scaling"]["nll"], rel=1e-12)
        assert last["nll_log_mean_exp_weight_scaling"] is None


def test_the_noise_for_fewer_passes_is_estimated_from_the_first_ones(regression: Run) -> None:
    """Several estimates that share their passes are equal to those from passes of their own."""
    trained = restore.load_model(regression)
    dataset, experiment, network = trained.dataset, trained.experiment, trained.learner.network
    found = fit_pass_noises(trained.task, network, dataset, experiment, [1, 3, 60, None])
    assert dataset.val is not None
    part = dataset.val

    def draw(passes: int) -> Iterator[Array]:
        return noisy_passes(network, dataset, part, seed=experiment.seed, count=passes, batch=1000)

    for count, task in found.items():
        assert task == trained.task.fit_noise(draw, part.labels, count)
    mixtures = [task.mixture_sd for task in found.values() if isinstance(task, Regression)]
    assert len(set(mixtures)) == 4 and mixtures[-1] is None


def test_the_mse_of_several_targets_is_the_mean_over_them(tmp_path: Path) -> None:
    """The predicted value is the measured one at both ends, although the RMSE is a mean of roots."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "two.npz", x=rng.normal(size=(80, 4)), y=rng.normal(size=(80, 2)) * [1, 30])
    data = f"dataset={{name: arrays, path: {tmp_path}/two.npz, task: regression}}"
    run = train(tmp_path, data, "architecture.hidden=[8]", "training.batch_size=16")
    rows = compare_pass_counts(run, 5).numbers["curve"]
    assert rows[-1]["mse"] > rows[-1]["rmse"] ** 2
    assert [rows[k]["mse_predicted"] for k in (0, -1)] == pytest.approx([rows[k]["mse"] for k in (0, -1)], rel=1e-12)


def test_its_files_draw_the_figures_again(run: Run, regression: Run) -> None:
    """A figure per kind of number with its CSV; what is read back draws the same bytes."""
    for one, names in ((run, ["mc_curve", "mutual_information"]), (regression, ["mc_curve"])):
        found = compare_pass_counts(one, 6)
        folder = write_inspection(one, found)
        assert folder.name == "mc-curve-test-last-6"
        assert (
            {path.stem for path in folder.glob("*.png")} == {path.stem for path in folder.glob("*.csv")} == set(names)
        )
        (again,) = (read for read in read_inspections(one) if read.folder == folder.name)
        assert [figure.draw() for figure in again.figures] == [(folder / f"{n}.png").read_bytes() for n in names]
        assert json.loads((folder / "results.json").read_text())["results"] == found.numbers


def test_a_run_without_noise_has_no_curve(tmp_path: Path) -> None:
    """One line with the reason, exit code 2, and no folder."""
    train(tmp_path, "dropout.rate=0")
    done = dropout("eval", "latest", "--mc-curve", "5", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert "--mc-curve: all passes are identical, because the variant inverted drops nothing" in done.stderr
    assert not list(tmp_path.glob("runs/*/after"))


def test_the_noise_of_the_training_can_be_drawn(tmp_path: Path) -> None:
    """Without dropout the line names --mc-noise all, which then has a curve in a folder of its own."""
    run = train(tmp_path, "dropout=none", "architecture.input_noise=0.3")
    with pytest.raises(UsageError, match=r"--mc-curve: .* --mc-noise all also uses input_noise"):
        compare_pass_counts(run, 5)
    found = compare_pass_counts(run, 5, all_noise=True)
    assert found.folder == "mc-curve-test-last-5-all-noise" and found.numbers["brier_variance"] > 0


def test_the_command_prints_the_table_and_the_findings(run: Run) -> None:
    """A row without noise and one per number of passes; with --json the numbers and the folder."""
    done = dropout("eval", str(run.path), "--mc-curve", "5", "--no-plots", cwd=run.path)
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[3:7]] == ["no", "1", "2", "5"]
    assert "With T passes the expected Brier score is" in done.stdout
    assert lines[-1].endswith("after/mc-curve-test-last-5") and not list(Path(lines[-1]).glob("*.png"))
    printed = json.loads(dropout("eval", str(run.path), "--mc-curve", "5", "--no-plots", "--json", cwd=run.path).stdout)
    assert len(printed["mc-curve-test-last-5"]["curve"]) == 3


@pytest.mark.parametrize("passes", ["0", "1", "x", "1000000000"])
def test_fewer_than_two_passes_are_refused(run: Run, passes: str) -> None:
    """A curve needs two points."""
    done = dropout("eval", str(run.path), "--mc-curve", passes, cwd=run.path)
    assert done.returncode == 2 and done.stdout == "" and "--mc-curve" in done.stderr


def test_another_number_of_passes_beside_the_curve_is_refused(tmp_path: Path) -> None:
    """`--mc` belongs to other studies; nothing is written."""
    run = train(tmp_path)
    done = dropout("eval", str(run.path), "--mc-curve", "5", "--mc", "3", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("--mc: cannot be used with --mc-curve")
    assert not (run.path / "after").exists()

"""Several runs side by side: equal statistics, one folder for the same runs, and runs that do not belong together."""

from dataclasses import asdict
from pathlib import Path

import pytest

from dropout_cli.analysis.effects.several_runs import inspect_runs, runs_finding, several_folder
from dropout_cli.analysis.effects.statistics import layer_statistics
from dropout_cli.analysis.inspection import read_inspections, write_inspection
from dropout_cli.core.errors import UsageError
from dropout_cli.runs import Run
from dropout_cli.training import restore
from tests.small_run import train


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Runs at two rates, and one of another architecture."""
    here = tmp_path_factory.mktemp("several")
    return {
        "rate 0": train(here, "dropout.rate=0"),
        "rate 0.5": train(here, "dropout.rate=0.5"),
        "small": train(here, "architecture.hidden=[5]"),
    }


def test_each_run_has_the_statistics_that_it_has_alone(runs: dict[str, Run]) -> None:
    """In one table, one file, and figures that can be drawn again from what is stored."""
    found = inspect_runs(runs)
    for label, run in runs.items():
        alone = layer_statistics(run, restore.load_model(run), 359)
        stored = found.numbers["runs"][label]["layers"]
        assert {name: one["mean"] for name, one in stored.items()} == {n: one.mean for n, one in alone.items()}
        assert stored["hidden1"] == pytest.approx(asdict(alone["hidden1"]))
    assert [row[:2] for row in found.rows] == [
        *([label, layer] for label in ("rate 0", "rate 0.5") for layer in ("hidden1", "hidden2")),
        ["small", "hidden1"],
    ]
    first = runs["rate 0"]
    write_inspection(first, found)
    (again,) = read_inspections(first)
    assert [one.draw() for one in again.figures] == [one.draw() for one in found.figures]
    assert [one.name for one in found.figures] == ["statistics", "ablation", "filters"]


def test_the_folder_depends_on_the_other_runs_only(runs: dict[str, Run]) -> None:
    """A repeated study of the same runs has the same folder name. With other runs, the name differs."""
    first, second, third = runs.values()
    assert several_folder([first, second]) == several_folder([third, second])
    assert len({several_folder([first, *rest]) for rest in ([second], [third], [second, third])}) == 3


@pytest.mark.parametrize("other", ["dataset=iris", "dataset={name: diabetes, scaling: standardize}"])
def test_runs_on_other_data_are_refused(runs: dict[str, Run], tmp_path: Path, other: str) -> None:
    """Their activations have nothing in common."""
    strange = train(tmp_path, other, "training.batch_size=16")
    with pytest.raises(UsageError, match="was trained on other data than"):
        inspect_runs({"a": runs["rate 0"], "b": strange})


def test_runs_with_other_splits_are_compared_with_a_notice(runs: dict[str, Run], tmp_path: Path) -> None:
    """Their test parts contain different examples of the same dataset."""
    other = train(tmp_path, "dataset.split_seed=5")
    assert any("different splits" in notice for notice in inspect_runs({"a": runs["rate 0"], "b": other}).notices)
    same = inspect_runs({"a": runs["rate 0"], "b": runs["rate 0.5"]})
    assert not any("different splits" in notice for notice in same.notices)


def test_first_layers_of_other_sizes_have_no_common_figure(runs: dict[str, Run], tmp_path: Path) -> None:
    """Kernels and dense filters are not shown side by side, and a notice says so."""
    cnn = train(tmp_path, "architecture={name: cnn, layers: [conv 4 3x3, pool 2, dense 8]}")
    found = inspect_runs({"mlp": runs["rate 0"], "cnn": cnn})
    assert [one.name for one in found.figures] == ["statistics", "ablation"]
    assert any("filters" in notice for notice in found.notices)
    assert all(one.draw() for one in found.figures)


def test_the_finding_names_a_layer_that_all_runs_have(runs: dict[str, Run], tmp_path: Path) -> None:
    """A number of one run alone is no comparison; without a common layer the sentence says so."""
    layers = {label: layer_statistics(run, restore.load_model(run), 50) for label, run in runs.items()}
    first, second = layers["rate 0"], layers["rate 0.5"]
    later = {"conv1": second["hidden1"], "hidden2": second["hidden2"]}
    means = [f"{one['hidden2'].mean:.3g}" for one in (first, second)]
    assert runs_finding({"a": first, "b": later}) == f"Mean activation of hidden2: {means[0]} (a), {means[1]} (b)"
    other = {"conv1": second["hidden1"]}
    assert runs_finding({"a": first, "b": other}) == "The 2 runs share no hidden layer"

"""`dropout eval --mc` and `dropout effects` as a user meets them."""

import json
from pathlib import Path

import pytest

from dropout_cli.runs import FORMAT
from tests.commands import TINY, dropout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run in it."""
    folder = tmp_path_factory.mktemp("after")
    (folder / "tiny.yaml").write_text(TINY)
    assert dropout("train", "tiny.yaml", "--no-plots", "--quiet", cwd=folder).returncode == 0
    return folder


def test_eval_mc_prints_a_row_for_each_way_of_predicting_then_the_uncertainty(folder: Path) -> None:
    """Each row has the displayed metrics; the means of the entropies are below."""
    done = dropout("eval", "latest", "--mc", "4", "--thinned", "2", "--no-plots", cwd=folder)
    assert done.returncode == 0 and done.stderr == ""
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip(" ─")]
    assert lines[0].split() == ["prediction", "accuracy", "nll", "brier", "ece", "ece_if_calibrated"]
    ways = ["no noise (weight scaling)", "Monte Carlo", "geometric mean"]
    ways += ["2 sampled networks, mean", "2 sampled networks, sd"]
    for line, way in zip(lines[1:6], ways, strict=True):
        assert line.startswith(way) and len([float(cell) for cell in line.removeprefix(way).split()]) == 5
    assert [line.split()[0] for line in lines[7:]] == [
        "run",
        "split",
        "checkpoint",
        "mc",
        "predictive_entropy",
        "expected_entropy",
        "mutual_information",
        "variation_ratio",
        "mutual_information_corrected",
        lines[-1],
    ]
    assert Path(folder / lines[-1], "metrics.json").is_file() and lines[-1].endswith("/after/eval-test-last-mc4")


def test_eval_mc_json_is_what_metrics_json_holds(folder: Path) -> None:
    """It has the run and no format; the default is ten thinned networks."""
    printed = json.loads(dropout("eval", "latest", "--mc", "2", "--json", "--no-plots", cwd=folder).stdout)
    run = folder / printed.pop("run")
    stored = json.loads((run / "after/eval-test-last-mc2/metrics.json").read_text())
    assert stored == {"format": FORMAT} | printed
    assert len(printed["thinned"]["networks"]) == 10
    none = dropout("eval", "latest", "--mc", "2", "--thinned", "0", "--no-plots", cwd=folder)
    assert "sampled" not in none.stdout and "Monte Carlo" in none.stdout


def test_effects_prints_its_numbers_and_where_the_figure_is(folder: Path) -> None:
    """A table, then the path of the figure alone on the last line; or one JSON object."""
    done = dropout("effects", "latest", "--rates", "0, .25", "--examples", "7", cwd=folder)
    assert done.returncode == 0 and done.stderr == ""
    *table, last = done.stdout.splitlines()
    assert (folder / last).name == "effects.png" and (folder / last).is_file()
    assert (folder / last).parent.name == "effects-r0+0.25-n7"
    assert [line.split()[:2] for line in table if "hidden1" in line] == [["hidden1", "0"], ["hidden1", "0.25"]]

    again = dropout("effects", "latest", "--rates", "0,.25", "--examples", "7", "--json", cwd=folder)
    printed = json.loads(again.stdout)
    assert folder / printed["folder"] == (folder / last).parent
    assert [row["rate"] for row in printed["effects"]] == [0, 0.25]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["eval", "latest", "--mc", "0"], "--mc"),
        (["eval", "latest", "--mc", "many"], "--mc"),
        (["eval", "latest", "--mc", "2", "--thinned", "-1"], "--thinned"),
        (["eval", "latest", "--thinned", "3"], "Add --mc T"),
        (["effects", "nothing"], "no such run"),
        (["effects", "latest", "--rates", "0,x"], "'0,x' is not a list of numbers"),
        (["effects", "latest", "--rates="], "'' is not a list of numbers"),
        (["effects", "latest", "--rates", "0.5,1"], "--rates: must be at least 0 and below 1, got 1"),
        (["effects", "latest", "--rates=-0.1"], "got -0.1"),
        (["effects", "latest", "--rates", "nan"], "got nan"),
        (["effects", "latest", "--examples", "0"], "--examples: must be from 2 to 359"),
        (["effects", "latest", "--examples", "100000"], "--examples: must be from 2 to 359"),
    ],
)
def test_a_mistake_is_one_clear_line(folder: Path, arguments: list[str], expected: str) -> None:
    """Exit 2, nothing on stdout."""
    done = dropout(*arguments, cwd=folder)
    assert done.returncode == 2 and done.stdout == ""
    assert expected in done.stderr and len(done.stderr.splitlines()) == 1

"""The settings of a sweep are stored, and replaced by the command line."""

from pathlib import Path

import pytest

from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.options import SweepOptions
from dropout_cli.sweeps.results import write_plan
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.stored_plan import read_plan
from dropout_cli.sweeps.sweep_file import load_sweep
from tests.small_sweep import BASE, planned

ASKED = [
    ComparisonSettings(),
    ComparisonSettings("test.nll", ("test.brier", "val.nll"), "max-t", {"dropout.rate": 0}, 0.01),
    ComparisonSettings(baseline={"dropout.rate": None}, margin=0.0),
]


@pytest.mark.parametrize("asked", ASKED)
def test_a_stored_plan_gives_back_how_its_runs_are_compared(tmp_path: Path, asked: ComparisonSettings) -> None:
    """Every field can be read from the folder."""
    folder = SweepFolder(tmp_path / "sweep")
    with folder.hold_lock():
        write_plan(planned(tmp_path, "grid: {dropout.rate: [0, 0.4]}\nseeds: 2\n"), folder, asked)
    stored = read_plan(folder)
    assert stored is not None and stored.comparison == asked


def test_options_of_the_command_line_replace_keys_of_the_file(tmp_path: Path) -> None:
    """Only given options replace keys; the main metric is not a further metric."""
    (tmp_path / "base.yaml").write_text(BASE)
    text = "base: base.yaml\nmetric: test.nll\nmetrics: [test.brier]\ntest: max-t\nmargin: 0.02\nseeds: 3\n"
    (tmp_path / "sweep.yaml").write_text(text)
    in_file = ComparisonSettings("test.nll", ("test.brier",), "max-t", None, 0.02)
    assert load_sweep(tmp_path / "sweep.yaml").comparison == in_file
    options = SweepOptions(metrics="val.nll,test.brier", test="sign_flip", baseline=["dropout.rate=0"], seeds="2")
    sweep = load_sweep(tmp_path / "sweep.yaml", (), options)
    assert sweep.comparison == ComparisonSettings("val.nll", ("test.brier",), "sign-flip", {"dropout.rate": 0}, 0.02)
    assert sweep.seeds == (0, 1)
    assert sweep.comparison.metrics == ("val.nll", "test.brier")

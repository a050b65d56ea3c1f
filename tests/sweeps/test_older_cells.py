"""Runs of a sweep that were trained before a change of the computation."""

import json
from pathlib import Path

from dropout_cli.sweeps import run
from dropout_cli.sweeps.folder import PLAN, SweepFolder
from dropout_cli.sweeps.settings import ComparisonSettings, ExecutionSettings
from dropout_cli.training import result_changes
from tests.small_sweep import planned


def conducted(tmp_path: Path, text: str) -> list[str]:
    """Run the sweep; return its messages."""
    said: list[str] = []
    made = planned(tmp_path, text)
    execution = ExecutionSettings(jobs=2, figures=False)
    folder = SweepFolder(tmp_path / "s")
    run.run_sweep(made, folder, b"", ComparisonSettings(), execution, watch=lambda _: None, notice=said.append)
    return said


def test_cells_that_would_be_computed_otherwise_now_are_said(tmp_path: Path) -> None:
    """The message counts the affected runs and gives the reason; new sweeps have none."""
    text = "grid: {dropout.rate: [1e-4, 0.3]}\nseeds: 1\n"
    assert conducted(tmp_path, text) == [] and conducted(tmp_path, text) == []
    for file in (tmp_path / "s" / PLAN, *(tmp_path / "s").glob("cells/*/state.json")):
        content = json.loads(file.read_text())
        assert content.pop("arithmetic") == result_changes.arithmetic_version()
        file.write_text(json.dumps(content))
    (line,) = conducted(tmp_path, text)
    assert "an older version trained 1 complete run. Since then," in line and "2^-16" in line and "--out" in line
    assert json.loads((tmp_path / "s" / PLAN).read_text())["arithmetic"] == 1

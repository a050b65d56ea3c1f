"""The acceptance scripts run in their short form; bars of speed and accuracy do not count there."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted(
    path.stem for path in (ROOT / "tests/acceptance").glob("*.py") if path.stem not in ("__init__", "bars")
)


AGAINST_TORCH = ("cnn_speed", "commands_speed")


NEED_REAL_DATA = ("busy", "inside", "interval_coverage", "passes", "reproductions", "starter_recipes", "tabular", "uci")
"""Scripts that need the files of `$DROPOUT_DATA`, besides those about MNIST."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.torch] if name in AGAINST_TORCH else []) for name in SCRIPTS]
)
def test_an_acceptance_script_runs_in_its_smoke_form(name: str, request: pytest.FixtureRequest) -> None:
    """It prints at least one value with bar and command, and exits with 0: what must always hold, holds."""
    if name.startswith("mnist") or name in NEED_REAL_DATA:
        request.getfixturevalue("real_data")
    command = [sys.executable, "-m", f"tests.acceptance.{name}", "--smoke"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines and all("(bar: " in line and "dropout " in line for line in lines)

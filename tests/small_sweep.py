"""Sweeps of a few small runs, each a fraction of a second."""

from pathlib import Path

from dropout_cli.sweeps import plan
from dropout_cli.sweeps.options import SweepOptions
from dropout_cli.sweeps.sweep_file import load_sweep

BASE = """\
dataset: digits
architecture: {name: mlp, hidden: [8]}
dropout: {variant: inverted, rate: 0.2, input_rate: 0.1}
training: {epochs: 2, steps_per_epoch: 5}
"""


def planned(tmp_path: Path, text: str, *overrides: str, **options: str | None) -> plan.SweepPlan:
    """Return the plan of a sweep file that uses the small config."""
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "sweep.yaml").write_text(f"base: base.yaml\n{text}")
    return plan.make_plan(load_sweep(tmp_path / "sweep.yaml", overrides, SweepOptions(**options)))  # type: ignore[arg-type]

"""The bundled configs and the shell script beside them work as they stand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dropout_cli import config
from dropout_cli.runs import Run
from dropout_cli.training.run import prepare_run, run_experiment
from dropout_cli.variants import VARIANTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(config.bundled_configs()))
def test_a_bundled_config_loads_without_a_notice(name: str) -> None:
    """Found by its bare name."""
    assert config.load_config(config.find_config(name)).notices == []


@pytest.mark.parametrize("variant", VARIANTS.names())
def test_the_config_of_a_variant_trains(variant: str, tmp_path: Path) -> None:
    """Every variant has one, and two epochs of it end in a complete run with that variant."""
    loaded = config.load_config(config.find_config(f"variants/{variant}"), ["training.epochs=2"])
    run = Run.create(tmp_path, variant)
    prepared = prepare_run(loaded.experiment)
    summary = run_experiment(prepared, run, loaded.text, watch=lambda event: None, figures=False)
    assert run.status == "completed" and summary["config"]["dropout"]["variant"] == variant
    assert summary["test"]["accuracy"] > 0.2


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
def test_the_rate_sweep_ends_in_a_table(tmp_path: Path) -> None:
    """A row per rate, in the order of the rates, with numbers."""
    short = tmp_path / "short.yaml"
    short.write_text(f"extends: {ROOT / 'configs/digits.yaml'}\ntraining: {{epochs: 1}}\n")
    bin_folder = Path(sys.executable).parent
    env = {**os.environ, "RUNS": str(tmp_path / "runs"), "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", str(ROOT / "configs/rate_sweep.sh"), str(short), "0.5", "0", "0.25"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    header, _, *rows = done.stdout.strip().splitlines()
    assert header.split() == ["config.dropout.rate", "epochs", "val.accuracy", "test.accuracy", "test.nll"]
    assert [float(row.split()[0]) for row in rows] == [0, 0.25, 0.5]
    assert all(0 < float(row.split()[3]) < 1 for row in rows)

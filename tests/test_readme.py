"""What the README says can be typed, can be typed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dropout_cli import config
from dropout_cli.sweeps import plan, spec
from dropout_cli.training.setup import prepare

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SHELL = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
SETUP = [block for block in SHELL if "pip install" in block]


def test_two_commands_do_all_the_set_up() -> None:
    """The first trains on digits, the second runs the tests, as `.ci/run` does to the letter."""
    assert [block.count("\n") for block in SETUP] == [1, 1]
    assert SETUP[0].strip().endswith("dropout train configs/digits.yaml")
    assert SETUP[1].strip() in (ROOT / ".ci/run").read_text().splitlines()


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
def test_every_command_runs(tmp_path: Path) -> None:
    """One after another in one folder, as a reader would type them; only the set-up itself is left out."""
    script = "set -eu\n" + "".join(block for block in SHELL if block not in SETUP)
    for name in ("configs", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "completed" in done.stdout and "y = m (.) a / q" in done.stdout


def test_the_configs_in_it_load(tmp_path: Path) -> None:
    """As they are printed."""
    texts = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert len(texts) > 1
    for text in texts:
        (tmp_path / "readme.yaml").write_text(text)
        if spec.is_sweep(tmp_path / "readme.yaml"):
            assert plan.make(spec.load(tmp_path / "readme.yaml")).cells
        else:
            assert config.load(tmp_path / "readme.yaml").notices == []


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
def test_the_config_for_the_table_in_it_can_train(tmp_path: Path) -> None:
    """As it is printed, on the table that the commands above it make."""
    making = [line for line in README.splitlines() if "plants.csv" in line and line.startswith(("printf", "for"))]
    subprocess.run(["sh", "-c", "\n".join(making)], cwd=tmp_path, check=True)
    (text,) = (one for one in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "plants.csv" in one)
    (tmp_path / "plants.yaml").write_text(text)
    assert prepare(config.load(tmp_path / "plants.yaml").experiment).dataset.quantities is not None


def test_every_command_and_every_bundled_config_is_mentioned() -> None:
    """Nothing is hidden."""
    import typer

    from dropout_cli.cli.application import app

    for name in getattr(typer.main.get_command(app), "commands", {}):
        assert f"dropout {name}" in README, name
    for name in {name if "/" not in name else "variants/NAME" for name in config.bundled()}:
        assert f"`{name}`" in README, name

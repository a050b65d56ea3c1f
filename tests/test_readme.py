"""Every command and config of the README works as printed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dropout_cli import config
from dropout_cli.sweeps import plan, spec
from dropout_cli.training.setup import prepare
from tests.commands import dropout

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
    for name in ("configs", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    printed = ""
    for text in parts("".join(block for block in SHELL if block not in SETUP)):
        if is_plain(text):
            done = dropout(*shlex.split(text)[1:], cwd=tmp_path)
        else:
            done = subprocess.run(
                ["sh", "-euc", text],
                cwd=tmp_path,
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
        assert done.returncode == 0, (text, done.stderr)
        printed += done.stdout
    assert "completed" in printed and "y = m (.) a / q" in printed


def test_what_needs_a_shell_is_told_from_plain_commands() -> None:
    """A line with operators, variables or a loop around it goes to the shell, with its neighbors of that kind."""
    shell = "n=$(dropout c)\ndropout d $n\nfor n in 1; do\n    dropout e\ndone"
    found = parts(f"dropout a 'x < $1' \\\n  b\n{shell}\ndropout f\n")
    assert found == ["dropout a 'x < $1'   b", shell, "dropout f"]
    assert [is_plain(part) for part in found] == [True, False, True]


def is_plain(line: str) -> bool:
    """Return True if a shell passes the same words to `dropout` as `shlex` does."""
    unquoted = re.sub(r"""'[^']*'|"[^"$`\\\\]*\"""", "", line)
    return line.startswith("dropout ") and not re.search(r"[|&;<>$`()*?\\\n\[]", unquoted)


def parts(script: str) -> list[str]:
    """Return plain commands one by one, and the lines between them as shell scripts."""
    found: list[str] = []
    for line in script.replace("\\\n", "").splitlines():
        if is_plain(line) or not found or is_plain(found[-1]):
            found.append(line)
        else:
            found[-1] += f"\n{line}"
    return found


def test_the_configs_in_it_load(tmp_path: Path) -> None:
    """The configs load exactly as printed, without a notice."""
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
    """The config is used as printed, on the table that the commands above it create."""
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

"""Tests that need PyTorch are skipped where it is not, and never unseen where they must run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of convolution that are marked `torch`, in processes that find no PyTorch."""
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = None\n")
    command = [sys.executable, "-m", "pytest", "tests/nn/layers/test_convolution.py", "-m", "torch", "-rs"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_without_pytorch_its_tests_are_skipped_and_say_how_to_get_it(tmp_path: Path) -> None:
    """Nothing fails on a machine that has only what the README installs."""
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "PyTorch needed: pip install torch==2.13.0" in done.stdout
    assert " skipped" in done.stdout.splitlines()[-1] and "passed" not in done.stdout.splitlines()[-1]


def test_where_nothing_may_be_skipped_a_skipped_test_fails(tmp_path: Path) -> None:
    """`.ci/run` gives `--no-skips` in the environment that has PyTorch."""
    done = run(tmp_path, "--no-skips")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert not any(word in done.stdout.splitlines()[-1] for word in ("passed", "skipped"))
    assert "would be skipped" in done.stdout and "PyTorch needed: pip install torch==2.13.0" in done.stdout
    assert "-m pytest -m torch --no-skips" in (ROOT / ".ci/run").read_text()

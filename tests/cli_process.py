"""The `dropout` command as a process of its own, for tests that meet it as a user does."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

TINY = """\
dataset: digits
architecture: {name: mlp, hidden: [8]}
dropout: {variant: inverted, rate: 0.2}
training: {epochs: 2, steps_per_epoch: 5}
"""


def dropout(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command and wait for it."""
    return subprocess.run(
        [sys.executable, "-m", "dropout_cli", *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

"""Training on a full disk: a small tmpfs, on machines where it may be mounted.

Training stops with one line and exit code 1, and continues to the right bytes as soon as there is room. A full folder
for temporary files does not stop it.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dropout_cli.core.errors import DropoutError
from dropout_cli.runs import all_runs
from dropout_cli.training.checkpoint import Snapshot
from tests.acceptance.bars import Bars
from tests.interruptions import digests

CONFIG = """\
dataset: digits
architecture: {name: mlp, hidden: [64, 64]}
dropout: {variant: inverted, rate: 0.2}
training: {epochs: 30, steps_per_epoch: 4, threads: 1, save_every: every_epoch}
"""


def dropout(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command and wait for it."""
    command = [sys.executable, "-m", "dropout_cli", *arguments, "--quiet"]
    environment = {**os.environ, **(env or {})}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=600)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[bool]:
    """Mount a tmpfs of that size at `folder` for as long as the block lasts.

    It yields False if mounting is not allowed.
    """
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def loadable(folder: Path) -> bool:
    """Return True if the last good checkpoint of the run can be read."""
    try:
        return Snapshot.newest(all_runs(folder)[-1])[0] is not None
    except (DropoutError, IndexError):
        return False


if __name__ == "__main__":
    bars = Bars("full_disk")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "small.yaml").write_text(CONFIG)
        dropout("train", "small.yaml", "--no-plots", "--runs-dir", "alone", cwd=folder)
        with small_disk(folder / "disk", "300k") as mounted:
            bars.at_least("allowed to mount a small disk", float(mounted), 0, "mount, for dropout train", always=True)
            if mounted:
                command = "dropout train small.yaml, on a disk of 300 KB"
                done = dropout("train", "small.yaml", "--no-plots", "--runs-dir", "disk/runs", cwd=folder)
                one_line = len(done.stderr.splitlines()) == 1 and "No space left on device" in done.stderr
                bars.at_least("exit code", done.returncode, 1, command, always=True)
                bars.at_most("exit code", done.returncode, 1, command, always=True)
                bars.at_least("one clear line", float(one_line), 1, command, always=True)
                bars.at_least("checkpoint loads", float(loadable(folder / "disk/runs")), 1, command, always=True)
                subprocess.run(["mount", "-o", "remount,size=20m", str(folder / "disk")], check=True)
                done = dropout("resume", "latest", "--no-plots", "--runs-dir", "disk/runs", cwd=folder)
                one, other = (all_runs(folder / name)[-1] for name in ("alone", "disk/runs"))
                same = done.returncode == 0 and digests(one) == digests(other)
                bars.at_least("right bytes in the end", float(same), 1, "dropout resume latest", always=True)
        with small_disk(folder / "temporary", "100k") as mounted:
            if mounted:
                with (folder / "temporary/filler").open("wb") as file:
                    subprocess.run(
                        ["head", "-c", "200000", "/dev/zero"], stdout=file, stderr=subprocess.DEVNULL, check=False
                    )
                nowhere = {"TMPDIR": str(folder / "temporary"), "HOME": "/dev/null", "XDG_CONFIG_HOME": "/dev/null"}
                done = dropout("train", "small.yaml", "--runs-dir", "runs", cwd=folder, env=nowhere)
                fine = done.returncode == 0 or (done.returncode == 1 and len(done.stderr.splitlines()) == 1)
                command = "TMPDIR=(full) HOME=(none) dropout train small.yaml"
                bars.at_least("figures, or one clear line", float(fine), 1, command, always=True)
                sys.stderr.write(done.stderr)
    bars.end()

"""Commands that are killed at any moment, and given again, end as if they had not been: no other byte, none stuck.

SIGKILL strikes at random times, at random lines of the code that saves, and in the middle of a write. `kills` does the
same to the training of every kind of network.
"""

import random
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.acceptance.bars import Bars
from tests.killed_commands import QUIET, SMALL, KilledCommand, kill_often, killed_commands, run_command

KILLS = 504
"""Kills in the full form, the same number for each of the eight commands."""


def folder_for(command: KilledCommand, folder: Path, model: Path) -> Path:
    """Return a new folder for a command, with a copy of the trained run if it needs one."""
    folder.mkdir(parents=True)
    if command.needs_run:
        shutil.copytree(model / "runs", folder / "runs")
        np.save(folder / "new.npy", np.linspace(-1, 2, 10, dtype=np.float32).reshape(5, 2))
    return folder


if __name__ == "__main__":
    bars = Bars("killed_commands")
    commands = list(killed_commands())
    each = 2 if bars.smoke else KILLS // len(commands)
    total = differences = stuck = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder, rng = Path(temporary), random.Random(0)
        model = folder / "model"
        model.mkdir()
        run_command(model, ["train", *SMALL, *QUIET], kill=None, after=None)
        for command in commands:
            alone = folder_for(command, folder / command.name / "alone", model)
            run_command(alone, command.arguments(alone), kill=None, after=None)
            wanted = command.outcome(alone)
            killed = folder_for(command, folder / command.name / "killed", model)
            hit = 0
            try:
                hit = kill_often(command, killed, each, rng)
                found = command.outcome(killed)
            except RuntimeError as error:
                stuck += 1
                sys.stderr.write(f"{command.name} is stuck: {error}\n")
                continue
            finally:
                total += hit
            differing = [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]
            differences += len(differing)
            sys.stderr.write(f"{command.name}: {hit} kills; differing: {', '.join(differing) or 'nothing'}\n")
    names = "dropout " + " | ".join(command.name for command in commands)
    bars.at_least("kills", total, 500, names)
    bars.at_most("files with other bytes", differences, 0, names, always=True)
    bars.at_most("commands that are stuck", stuck, 0, names, always=True)
    bars.end()

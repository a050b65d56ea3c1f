"""Warm up the fork server, so that each training process starts with imports and caches done.

A rehearsal, one step on the digits, is the surest way to everything that a cell needs, down to caches in libraries.
"""

import gc
import tempfile
import warnings
from pathlib import Path

from dropout_cli import config
from dropout_cli.core.registry import PluginWarning
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.workers import job

STEP = ("training.epochs=1", "training.steps_per_epoch=1", "training.threads=1")


def warm_up() -> None:
    """Train a cell of a single step in a folder that is gone afterwards."""
    wanted = config.load_config(config.find_config("digits"), STEP).experiment
    with tempfile.TemporaryDirectory() as made:
        folder = SweepFolder(Path(made))
        with folder.hold_lock():
            job.train_in_process(folder, "rehearsal", wanted)
    gc.collect()
    gc.freeze()  # or the first collection in each cell would touch, and so copy, every page


warnings.simplefilter("ignore", PluginWarning)  # the command itself has said it
warm_up()

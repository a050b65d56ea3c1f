"""Warm up the fork server, so that training processes start with all imports done.

Training one step on the digits loads everything that a run needs, including caches inside libraries.
"""

import gc
import tempfile
import warnings
from pathlib import Path

from dropout_cli import config
from dropout_cli.core.plugins import PluginWarning
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.workers import job

STEP = ("training.epochs=1", "training.steps_per_epoch=1", "training.threads=1")


def warm_up() -> None:
    """Train a run of a single step in a temporary folder."""
    wanted = config.load_config(config.find_config("digits"), STEP).experiment
    with tempfile.TemporaryDirectory() as name:
        folder = SweepFolder(Path(name))
        with folder.hold_lock():
            job.train_in_process(folder, "rehearsal", wanted)
    gc.collect()
    gc.freeze()  # else the first collection in each process would write to, and so copy, every shared page


warnings.simplefilter("ignore", PluginWarning)  # the command itself has shown it
warm_up()

"""Every flipped bit is noticed, and no damaged file is used without an error.

Bits are flipped at random places of the files of a finished run, and of the checkpoint of an interrupted one.
"""

import random
import shutil
import tempfile
from pathlib import Path

from dropout_cli.analysis import evaluate, verify
from dropout_cli.core.errors import DropoutError, Interrupted
from dropout_cli.runs import Run
from dropout_cli.training import resume
from dropout_cli.training.checkpoint import LAST
from tests.acceptance.bars import Bars
from tests.small_run import train
from tests.training.test_resume import stop_after

FILES = ("checkpoints/last.safetensors", "summary.json", "predictions.npz", "resolved.yaml")


def verified(run: Run) -> bool:
    """Return True if `verify` finds no problem."""
    return all(check.right for check in verify.verify_run(run))


def evaluated(run: Run) -> bool:
    """Return True if `eval` prints numbers without an error."""
    try:
        evaluate.evaluate_run(run, figures=False)
    except DropoutError:
        return False
    return True


def resumed(run: Run) -> bool:
    """Return True if `resume` continues without an error."""
    try:
        with resume.reopen_run(run) as prepared:
            return not prepared.notices
    except DropoutError:
        return False


def flipped(run: Run, name: str, bit: int) -> bytes:
    """Flip one bit of a file; return its former content."""
    whole = run.read(name)
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    run.path_of(name).write_bytes(damaged)
    return whole


if __name__ == "__main__":
    bars = Bars("damage")
    flips = 10 if bars.smoke else 500
    random.seed(0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        finished = train(folder / "finished")
        for name in FILES:
            bits = random.sample(range(8 * len(finished.read(name))), flips)
            unnoticed = 0
            for bit in bits:
                whole = flipped(finished, name, bit)
                unnoticed += verified(finished)
                finished.path_of(name).write_bytes(whole)
            bars.at_most(f"of {flips} wrong bits in {name}, unnoticed", unnoticed, 0, "dropout verify RUN", always=True)
        used = 0
        for name in ("checkpoints/last.safetensors", "summary.json", "resolved.yaml"):
            for bit in random.sample(range(8 * len(finished.read(name))), flips // 5):
                whole = flipped(finished, name, bit)
                used += evaluated(finished)
                finished.path_of(name).write_bytes(whole)
        bars.at_most(f"of {3 * (flips // 5)} damaged files, used in silence", used, 0, "dropout eval RUN", always=True)
        try:
            train(folder / "stopped", "training.save_every=every_epoch", watch=stop_after(1))
        except Interrupted as stopped:
            source = Path(stopped.problems[0].place)
        used = 0
        for name in (LAST, "resolved.yaml", "metrics.csv"):
            for bit in random.sample(range(8 * len(Run(source).read(name))), flips // 5):
                copy = Run(Path(shutil.copytree(source, folder / "copy")))
                flipped(copy, name, bit)
                used += resumed(copy)
                shutil.rmtree(copy.path)
        bars.at_most(
            f"of {3 * (flips // 5)} damaged files, used in silence", used, 0, "dropout resume RUN", always=True
        )
    bars.end()

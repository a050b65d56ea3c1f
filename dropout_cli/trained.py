"""A trained network, read back from its run folder."""

from dataclasses import dataclass

from dropout_cli import config
from dropout_cli.checkpoint import BEST, LAST, Snapshot
from dropout_cli.config.schema import Experiment
from dropout_cli.data.dataset import Dataset
from dropout_cli.learner import Learner
from dropout_cli.preparation import prepare
from dropout_cli.runs import Run


@dataclass(frozen=True)
class Trained:
    """What a run trained, and on what."""

    experiment: Experiment
    dataset: Dataset
    learner: Learner
    """With the checkpoint's weights."""
    checkpoint: str
    """`best` or `last`."""


def load(run: Run, checkpoint: str | None = None) -> Trained:
    """Read data and weights of a run; `checkpoint`: `best` or `last`, None: the one that its summary names, or last.

    Raises UsageError, DataError or RunFailed.
    """
    run.read_unchanged("resolved.yaml")
    prepared = prepare(config.load(run.path / "resolved.yaml").experiment)
    name = checkpoint or (run.summary()["checkpoint"] if run.status == "completed" else "last")
    Snapshot.read(run, file_of(name)).restore(prepared.learner)
    return Trained(prepared.experiment, prepared.dataset, prepared.learner, name)


def file_of(checkpoint: str) -> str:
    """The file of `best` or `last` in a run folder."""
    return {"best": BEST, "last": LAST}[checkpoint]

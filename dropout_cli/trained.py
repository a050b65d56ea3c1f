"""A trained network, read back from its run folder."""

from dataclasses import dataclass

from dropout_cli import config
from dropout_cli.checkpoint import BEST, LAST, Snapshot
from dropout_cli.config.schema import Experiment
from dropout_cli.data.dataset import Dataset
from dropout_cli.errors import RunFailed
from dropout_cli.learner import Learner
from dropout_cli.preparation import prepare
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.tasks import Task

FILES = {"best": BEST, "last": LAST}
"""The file of each checkpoint in a run folder."""


@dataclass(frozen=True)
class Trained:
    """What a run trained, and on what."""

    experiment: Experiment
    dataset: Dataset
    learner: Learner
    """With the checkpoint's weights."""
    task: Task
    checkpoint: str
    """`best` or `last`."""


def load(run: Run, checkpoint: str | None = None) -> Trained:
    """Read data and weights of a run; `checkpoint`: `best` or `last`, None: the one that its summary names, or last.

    Raises UsageError, DataError or RunFailed.
    """
    run.read_unchanged(RESOLVED)
    name = checkpoint or _that_counts(run)
    prepared = prepare(config.load(run.path / RESOLVED).experiment)
    Snapshot.read(run, FILES[name]).restore(prepared.learner)
    return Trained(prepared.experiment, prepared.dataset, prepared.learner, prepared.task, name)


def _that_counts(run: Run) -> str:
    """The checkpoint that the summary names; the last, where the run has not come to its summary."""
    if run.ended != "completed":
        return "last"
    run.read_unchanged("summary.json")
    name = run.summary().get("checkpoint")
    if not (isinstance(name, str) and name in FILES):
        raise RunFailed(str(run.path / "summary.json"), "names no checkpoint", "Give --checkpoint last or best.")
    return name

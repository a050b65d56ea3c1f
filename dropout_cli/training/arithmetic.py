"""The changes of the arithmetic: which runs a present version of the package would compute otherwise.

Equal configs, seeds and machines give equal bytes, until a version mends a computation that was wrong. Such a change
is noted here, once, with the runs that it concerns. The version of the arithmetic is 1 and the number of changes. A
run notes in `state.json` (`arithmetic`) the version that began it; a run that notes none is of version 1. A run that
a later change concerns cannot be resumed, and its replay gives other bytes.

To add a change, append it to CHANGES: never reorder, never take one out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dropout_cli import config
from dropout_cli.architectures.units import Units
from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import Outdated
from dropout_cli.objectives.distillation import Distillation
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.training.setup import Prepared
from dropout_cli.variants.dropconnect import DropConnect

NOTED = "arithmetic"
"""The key in `state.json`."""


@dataclass(frozen=True)
class Change:
    """A computation that gives other numbers than before."""

    what: str
    """A sentence without its full stop: what is computed otherwise now."""
    concerns: Callable[[Experiment, int], bool]
    """Whether it changes a run of that resolved experiment with so many training examples."""
    targets: int = 1
    """It concerns only runs with at least so many targets."""


def _has_a_divergence(experiment: Experiment, examples: int) -> bool:
    return experiment.dropout.precision() is not None


def _samples_at_evaluation(experiment: Experiment, examples: int) -> bool:
    return isinstance(experiment.dropout, DropConnect) and experiment.dropout.inference == "sample"


def _asks_noisy_teachers(experiment: Experiment, examples: int) -> bool:
    """Whether a teacher had noise of its training in its Monte-Carlo passes, as far as the runs tell."""
    objective = experiment.objective
    if not (isinstance(objective, Distillation) and objective.teacher_passes and objective.teacher_noise == "dropout"):
        return False
    return any(_has_training_noise(Run(Path(folder))) for folder in objective.teachers)


def _has_training_noise(run: Run) -> bool:
    architecture = config.load(run.path / RESOLVED).experiment.architecture
    return isinstance(architecture, Units) and bool(architecture.input_noise or architecture.hidden_noise)


CHANGES: tuple[Change, ...] = (
    Change(
        "beside a loss that is a mean over several targets, the penalty of the variant is divided by their number",
        _has_a_divergence,
        targets=2,
    ),
    Change(
        "dropconnect with inference: sample draws once for all examples, from the run's own seed",
        _samples_at_evaluation,
    ),
    Change(
        "Monte-Carlo passes of a teacher draw its dropout alone, without input_noise and hidden_noise",
        _asks_noisy_teachers,
    ),
)


def version(changes: Sequence[Change] = CHANGES) -> int:
    """The present version."""
    return 1 + len(changes)


def since(
    noted: int, experiment: Experiment, examples: int, changes: Sequence[Change] = CHANGES, *, targets: int = 1
) -> Iterator[str]:
    """Yield a sentence for each change after that version which concerns the experiment with so many targets."""
    if noted > version(changes):
        yield f"a newer version of dropout-cli trained it (arithmetic {noted}, here {version(changes)})"
    for change in changes[noted - 1 :]:
        if targets >= change.targets and change.concerns(experiment, examples):
            yield change.what


def noted_by(run: Run) -> int:
    """The version that began the run."""
    return int(run.state().get(NOTED, 1))


def since_begun(run: Run, prepared: Prepared) -> Iterator[str]:
    """Yield a sentence for each change since the run began which concerns it."""
    dataset = prepared.dataset
    targets = len(dataset.quantities.names) if dataset.quantities else 1
    return since(noted_by(run), prepared.experiment, len(dataset.train), targets=targets)


def refuse_other(run: Run, prepared: Prepared) -> None:
    """Raise Outdated where the run cannot go on, since its first epochs were computed otherwise."""
    found = list(since_begun(run, prepared))
    if found:
        fact = f"cannot be resumed, since its arithmetic has changed: {'; '.join(found)}"
        raise Outdated(str(run.path), fact, f"Train it again: dropout train {run.path / RESOLVED}")

"""The changes of the arithmetic: which runs a present version of the package would compute otherwise.

Equal configs, seeds and machines give equal bytes, until a version mends a computation that was wrong. Such a change
is noted here, once, with the runs that it concerns. The version of the arithmetic is 1 and the number of changes. A
run notes in `state.json` (`arithmetic`) the version that began it; a run that notes none is of version 1. A run that
a later change concerns cannot be resumed, and its replay gives other bytes.

To add a change, append it to CHANGES: never reorder, never take one out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import Outdated
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.training.setup import Prepared

NOTED = "arithmetic"
"""The key in `state.json`."""


@dataclass(frozen=True)
class Change:
    """A computation that gives other numbers than before."""

    what: str
    """A sentence without its full stop: what is computed otherwise now."""
    concerns: Callable[[Experiment, int], bool]
    """Whether it changes a run of that resolved experiment with so many training examples."""


CHANGES: tuple[Change, ...] = ()


def version(changes: Sequence[Change] = CHANGES) -> int:
    """The present version."""
    return 1 + len(changes)


def since(noted: int, experiment: Experiment, examples: int, changes: Sequence[Change] = CHANGES) -> Iterator[str]:
    """Yield a sentence for each change after that version which concerns the experiment."""
    if noted > version(changes):
        yield f"a newer version of dropout-cli trained it (arithmetic {noted}, here {version(changes)})"
    for change in changes[noted - 1 :]:
        if change.concerns(experiment, examples):
            yield change.what


def noted_by(run: Run) -> int:
    """The version that began the run."""
    return int(run.state().get(NOTED, 1))


def refuse_other(run: Run, prepared: Prepared) -> None:
    """Raise Outdated where the run cannot go on, since its first epochs were computed otherwise."""
    found = list(since(noted_by(run), prepared.experiment, len(prepared.dataset.train)))
    if found:
        fact = f"cannot be resumed, since its arithmetic has changed: {'; '.join(found)}"
        raise Outdated(str(run.path), fact, f"Train it again: dropout train {run.path / RESOLVED}")

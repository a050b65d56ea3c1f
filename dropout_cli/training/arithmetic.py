"""Changes of the arithmetic, and the runs that this version of the package would compute otherwise.

Equal configs, seeds and machines give equal bytes, until a version mends a computation that was wrong. Such a change
is noted here, once, with the runs that it concerns. The version of the arithmetic is 1 and the number of changes. A
run notes in `state.json` (`arithmetic`) the version that began it; a run that notes none is of version 1. A run that
a later change concerns cannot be resumed, and its replay gives other bytes.

To add a change, append it to CHANGES: never reorder, never take one out.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dropout_cli import config
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.architectures.resnet import Resnet
from dropout_cli.architectures.units import UnitArchitecture
from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import IncompatibleVersion
from dropout_cli.objectives.distillation import Distillation
from dropout_cli.objectives.multi_sample import MultiSample
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.training.loop import BatchPlan
from dropout_cli.training.setup import Prepared
from dropout_cli.variants import Variant
from dropout_cli.variants.batchwise import Batchwise
from dropout_cli.variants.dropblock import DropBlock
from dropout_cli.variants.dropconnect import DropConnect
from dropout_cli.variants.stochastic_depth import StochasticDepth
from dropout_cli.variants.toolkit.base import rate_of
from dropout_cli.variants.toolkit.masks import is_coarse, keep_probability
from dropout_cli.variants.toolkit.rate_schedules import ConstantRate

NOTED = "arithmetic"
"""The key in `state.json`."""


@dataclass(frozen=True)
class Change:
    """A change after which a computation gives other numbers."""

    what: str
    """A sentence without its full stop: what is computed otherwise now."""
    concerns: Callable[[Experiment, int], bool]
    """Whether it changes a run of that resolved experiment with so many training examples."""
    targets: int = 1
    """It concerns only runs with at least so many targets."""


def _in_force(law: Variant, bases: Iterable[float], steps: int) -> set[float]:
    """Return the rates above 0 that places with those base rates have in a training of so many steps."""
    schedule = law.schedule()
    ends = (0,) if schedule == ConstantRate() else range(steps)
    return {schedule.rate(base, step, steps) for base in set(bases) for step in ends} - {0.0}


def _has_extreme_rates(experiment: Experiment, examples: int) -> bool:
    """Whether a mask is drawn at a rate that words of 16 bits did not realise well."""
    law, bases = experiment.dropout, experiment.dropout.rates()
    if isinstance(law, StochasticDepth) and isinstance(experiment.architecture, Resnet):
        blocks = experiment.architecture.blocks
        bases = tuple(law.rate * number / blocks for number in range(1, blocks + 1))
    least = 1 / law.block_size**2 if isinstance(law, DropBlock) else 1.0  # of a corner, in place of a pixel
    rates = _in_force(law, bases, BatchPlan.from_experiment(experiment, examples).steps)
    return any(not (is_coarse(rate) and is_coarse(rate * least)) for rate in rates)


def _has_narrow_masks(experiment: Experiment, examples: int) -> bool:
    """Whether a batchwise mask has so few units, at its rate, that empty masks change the scale in float32."""
    law, architecture = experiment.dropout, experiment.architecture
    if not (isinstance(law, Batchwise) and isinstance(architecture, Mlp)):
        return False
    steps, shape = BatchPlan.from_experiment(experiment, examples).steps, type(experiment.dataset).info.shape
    places = [(rate_of(law.rate, index), width) for index, width in enumerate(architecture.hidden)]
    places.append((law.input_rate, 1 if shape is None else math.prod(shape)))
    kept = [(keep_probability(rate), width) for base, width in places for rate in _in_force(law, [base], steps)]
    return any(np.float32((1 - (1 - q) ** width) / q) != np.float32(1 / q) for q, width in kept)


def _leaves_one(experiment: Experiment, examples: int) -> bool:
    """Whether a pass over the examples ends with a batch of one that is normalized."""
    size, least = int(experiment.training.batch_size), experiment.architecture.smallest_batch
    return examples % size < least and (examples % size > 0 or size < least)


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
    architecture = config.load_config(run.path / RESOLVED).experiment.architecture
    return isinstance(architecture, UnitArchitecture) and bool(architecture.input_noise or architecture.hidden_noise)


CHANGES: tuple[Change, ...] = (
    Change(
        "dropout rates below .001 and above .999 are realised as they are, and not as multiples of 2^-16",
        _has_extreme_rates,
    ),
    Change(
        "batchwise dropout allows for masks that are drawn again because they were empty",
        _has_narrow_masks,
    ),
    Change(
        "multi_sample trains a residual network with its skip connections",
        lambda experiment, _: (
            isinstance(experiment.objective, MultiSample) and isinstance(experiment.architecture, Resnet)
        ),
    ),
    Change(
        "with batch normalization a last batch of one joins the batch before it",
        _leaves_one,
    ),
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


def arithmetic_version(changes: Sequence[Change] = CHANGES) -> int:
    """Return the present version of the arithmetic."""
    return 1 + len(changes)


def changes_since(
    noted: int, experiment: Experiment, examples: int, changes: Sequence[Change] = CHANGES, *, targets: int = 1
) -> Iterator[str]:
    """Yield a sentence for each change after version `noted` that concerns the experiment with so many targets."""
    if noted > arithmetic_version(changes):
        yield f"a newer version of dropout-cli trained it (arithmetic {noted}, here {arithmetic_version(changes)})"
    for change in changes[noted - 1 :]:
        if targets >= change.targets and change.concerns(experiment, examples):
            yield change.what


def stored_version(run: Run) -> int:
    """Return the version of the arithmetic that began the run."""
    return int(run.state().get(NOTED, 1))


def changes_since_start(run: Run, prepared: Prepared) -> Iterator[str]:
    """Yield a sentence for each change that concerns the run and came after it began."""
    dataset = prepared.dataset
    targets = len(dataset.targets.names) if dataset.targets else 1
    return changes_since(stored_version(run), prepared.experiment, len(dataset.train), targets=targets)


def refuse_changed_arithmetic(run: Run, prepared: Prepared) -> None:
    """Raise Outdated where the run cannot go on, since its first epochs were computed otherwise."""
    found = list(changes_since_start(run, prepared))
    if found:
        fact = f"cannot be resumed, since its arithmetic has changed: {'; '.join(found)}"
        raise IncompatibleVersion(str(run.path), fact, f"Train it again: dropout train {run.path / RESOLVED}")

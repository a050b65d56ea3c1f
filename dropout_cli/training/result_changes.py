"""Changes of the computation between versions, and the runs that each one affects.

Equal configs, seeds and machines give equal bytes, until a version corrects a computation that was wrong. CHANGES lists
every such change with a test of whether it affects a run. The version of the arithmetic is 1 plus the number of
changes. A run stores the version that started it in `state.json` (key `arithmetic`); without that key it is version 1.
A run that a later change affects cannot be resumed, and its replay gives different bytes.

Append new changes to CHANGES; never reorder or remove one, because versions are positions in it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dropout_cli.architectures.mlp import Mlp
from dropout_cli.architectures.resnet import Resnet
from dropout_cli.architectures.units import UnitArchitecture
from dropout_cli.config.schema import Experiment
from dropout_cli.config.stored import load_run_config
from dropout_cli.core.errors import IncompatibleVersion
from dropout_cli.objectives.distillation import Distillation
from dropout_cli.objectives.multi_sample import MultiSample
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.training.batch_order import BatchPlan
from dropout_cli.training.setup import PreparedExperiment
from dropout_cli.variants import Variant
from dropout_cli.variants.batchwise import Batchwise
from dropout_cli.variants.dropblock import DropBlock
from dropout_cli.variants.dropconnect import DropConnect
from dropout_cli.variants.stochastic_depth import StochasticDepth
from dropout_cli.variants.toolkit.base import rate_of
from dropout_cli.variants.toolkit.masks import is_coarse, keep_probability
from dropout_cli.variants.toolkit.rate_schedules import ConstantRate

STATE_KEY = "arithmetic"
"""The key in `state.json` of the version that started the run."""


@dataclass(frozen=True)
class ArithmeticChange:
    """A change after which a computation gives different numbers."""

    description: str
    """The change, as a sentence without full stop; users read it."""
    affects: Callable[[Experiment, int], bool]
    """True if it changes the run of a resolved experiment; arguments: experiment, number of training examples."""
    min_targets: int = 1
    """The smallest number of regression targets of a run that is affected."""


def _scheduled_rates(variant: Variant, bases: Iterable[float], steps: int) -> set[float]:
    """Return all rates above 0 that a variant has during a training of `steps` steps.

    Args:
        variant: The dropout variant.
        bases: Rates before the rate schedule.
        steps: Number of steps.
    """
    schedule = variant.schedule()
    checked = (0,) if schedule == ConstantRate() else range(steps)
    return {schedule.rate(base, step, steps) for base in set(bases) for step in checked} - {0.0}


def _has_extreme_rates(experiment: Experiment, examples: int) -> bool:
    """Return True if a mask is drawn at a rate that 16-bit words did not represent well."""
    variant, bases = experiment.dropout, experiment.dropout.rates()
    if isinstance(variant, StochasticDepth) and isinstance(experiment.architecture, Resnet):
        # The rate of a block grows linearly with its depth.
        blocks = experiment.architecture.blocks
        bases = tuple(variant.rate * number / blocks for number in range(1, blocks + 1))
    # DropBlock draws the corners of blocks, whose probability is lower than that of dropping a pixel.
    factor = 1 / variant.block_size**2 if isinstance(variant, DropBlock) else 1.0
    rates = _scheduled_rates(variant, bases, BatchPlan.from_experiment(experiment, examples).steps)
    return any(not (is_coarse(rate) and is_coarse(rate * factor)) for rate in rates)


def _has_narrow_masks(experiment: Experiment, examples: int) -> bool:
    """Return True if a batchwise mask is so small that empty masks change its scale."""
    variant, architecture = experiment.dropout, experiment.architecture
    if not (isinstance(variant, Batchwise) and isinstance(architecture, Mlp)):
        return False
    steps, shape = BatchPlan.from_experiment(experiment, examples).steps, type(experiment.dataset).info.shape
    layers = [(rate_of(variant.rate, index), width) for index, width in enumerate(architecture.hidden)]
    # The shape of a user's own data is unknown here: with 1 feature the answer is True for every input rate.
    layers.append((variant.input_rate, 1 if shape is None else math.prod(shape)))
    kept = [
        (keep_probability(rate), width) for base, width in layers for rate in _scheduled_rates(variant, [base], steps)
    ]
    # A mask of `width` units is empty with probability (1 - q)^width, and is then drawn again.
    return any(np.float32((1 - (1 - q) ** width) / q) != np.float32(1 / q) for q, width in kept)


def _leaves_single_example(experiment: Experiment, examples: int) -> bool:
    """Return True if a pass over the examples ends with a normalized batch of one example."""
    size, smallest = int(experiment.training.batch_size), experiment.architecture.smallest_batch
    return examples % size < smallest and (examples % size > 0 or size < smallest)


def _has_kl_penalty(experiment: Experiment, examples: int) -> bool:
    """Return True if the variant adds a penalty that depends on the precision of the noise."""
    return experiment.dropout.precision() is not None


def _samples_at_evaluation(experiment: Experiment, examples: int) -> bool:
    """Return True if dropconnect samples weights when it predicts."""
    return isinstance(experiment.dropout, DropConnect) and experiment.dropout.inference == "sample"


def _has_noisy_teachers(experiment: Experiment, examples: int) -> bool:
    """Return True if the Monte Carlo passes of a teacher included its training noise."""
    objective = experiment.objective
    if not (isinstance(objective, Distillation) and objective.teacher_passes and objective.teacher_noise == "dropout"):
        return False
    return any(_has_training_noise(Run(Path(folder))) for folder in objective.teachers)


def _has_training_noise(run: Run) -> bool:
    """Return True if the network of a run has input_noise or hidden_noise."""
    architecture = load_run_config(run, is_stored=False).architecture
    return isinstance(architecture, UnitArchitecture) and bool(architecture.input_noise or architecture.hidden_noise)


CHANGES: tuple[ArithmeticChange, ...] = (
    ArithmeticChange(
        "dropout rates below .001 and above .999 are now exact instead of multiples of 2^-16",
        _has_extreme_rates,
    ),
    ArithmeticChange(
        "batchwise dropout now corrects for empty masks, which are drawn again",
        _has_narrow_masks,
    ),
    ArithmeticChange(
        "multi_sample now trains a residual network with its skip connections",
        lambda experiment, _: (
            isinstance(experiment.objective, MultiSample) and isinstance(experiment.architecture, Resnet)
        ),
    ),
    ArithmeticChange(
        "with batch normalization, a last batch of one example is now merged with the batch before it",
        _leaves_single_example,
    ),
    ArithmeticChange(
        "with several targets, the penalty of the variant is now divided by their number, like the loss",
        _has_kl_penalty,
        min_targets=2,
    ),
    ArithmeticChange(
        "dropconnect with inference: sample now draws one set of weights for all examples, from the seed of the run",
        _samples_at_evaluation,
    ),
    ArithmeticChange(
        "Monte Carlo passes of a teacher now use only its dropout, not its input_noise and hidden_noise",
        _has_noisy_teachers,
    ),
)
"""All changes, oldest first; version k + 1 includes the first k."""


def arithmetic_version(changes: Sequence[ArithmeticChange] = CHANGES) -> int:
    """Return the current version of the arithmetic.

    Args:
        changes: All changes, oldest first.
    """
    return 1 + len(changes)


def changes_since(
    version: int,
    experiment: Experiment,
    examples: int,
    changes: Sequence[ArithmeticChange] = CHANGES,
    *,
    targets: int = 1,
) -> Iterator[str]:
    """Yield the description of each change after a version that affects an experiment.

    Args:
        version: The version of the arithmetic that started the run.
        experiment: The resolved experiment.
        examples: Number of training examples.
        changes: All changes, oldest first.
        targets: Number of regression targets.
    """
    if version > arithmetic_version(changes):
        yield f"a newer version of dropout-cli trained it (arithmetic {version}, here {arithmetic_version(changes)})"
    for change in changes[version - 1 :]:
        if targets >= change.min_targets and change.affects(experiment, examples):
            yield change.description


def stored_version(run: Run) -> int:
    """Return the version of the arithmetic that started a run.

    Args:
        run: The run.
    """
    return int(run.state().get(STATE_KEY, 1))


def changes_since_start(run: Run, prepared: PreparedExperiment) -> Iterator[str]:
    """Yield the description of each change that affects a run and is newer than it.

    Args:
        run: The run.
        prepared: Its experiment.
    """
    dataset = prepared.dataset
    targets = len(dataset.targets.names) if dataset.targets else 1
    return changes_since(stored_version(run), prepared.experiment, len(dataset.train), targets=targets)


def refuse_changed_arithmetic(run: Run, prepared: PreparedExperiment) -> None:
    """Raise IncompatibleVersion if a change affects a run that is to be resumed.

    Its first epochs were computed differently, so the whole would match no version of the package.

    Args:
        run: The run.
        prepared: Its experiment.
    """
    again = f"rain it again: dropout train {run.path / RESOLVED}"
    if stored_version(run) > arithmetic_version():
        fact = "cannot be resumed, because a newer version of dropout-cli trained it"
        raise IncompatibleVersion(str(run.path), fact, f"Update dropout-cli, or t{again}")
    changes = list(changes_since_start(run, prepared))
    if changes:
        fact = f"cannot be resumed, because the computation has changed since: {'; '.join(changes)}"
        raise IncompatibleVersion(str(run.path), fact, f"T{again}")

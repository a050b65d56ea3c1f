"""The networks that dropout samples from one run, as an ensemble.

A sampled network draws once for all examples: units, feature maps or blocks are dropped, or weights are drawn from
their distribution. Batch normalization uses its running statistics, as at evaluation.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.analysis.ensemble import wording
from dropout_cli.analysis.ensemble.measured import MeasuredEnsemble, measure_ensemble
from dropout_cli.analysis.ensemble.scoring import ClassScoring, EnsembleScoring, NumberScoring, Scores
from dropout_cli.analysis.inspection import Inspection
from dropout_cli.analysis.predictors import find_part
from dropout_cli.core.errors import RunFailed, UsageError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part
from dropout_cli.metrics import csv_bytes
from dropout_cli.nn.layers.base import Layer
from dropout_cli.runs import Run
from dropout_cli.tasks import Regression, Task
from dropout_cli.training import forward_passes, restore
from dropout_cli.training.restore import LoadedModel
from dropout_cli.training.setup import thread_limit
from dropout_cli.variants import VARIANTS

SAMPLED = "sampled networks"
MAX_BYTES = 1 << 30
"""The most bytes of the predictions of all networks of an ensemble."""


@dataclass(frozen=True)
class SampledEnsemble:
    """The sampled networks of a run, and its prediction without noise."""

    measured: MeasuredEnsemble
    scaled: Scores
    """The scores of weight scaling."""
    checkpoint: str
    dataset: str
    """The name of the data."""
    seed: int
    """The seed of the run."""


def study_sampled_networks(
    run: Run,
    count: int,
    *,
    split: str = "test",
    checkpoint: str | None = None,
    allow_changed_data: bool = False,
) -> Inspection:
    """Study the sampled networks of a run as an ensemble.

    Args:
        run: A run with a checkpoint.
        count: Number of sampled networks, at least 2.
        split: `train`, `val` or `test`.
        checkpoint: `best` or `last`; None: the one that the summary names.
        allow_changed_data: True to accept data that differ from those of the training.

    Raises:
        UsageError: The run has no noise, or no such part or checkpoint.
        DataError: The data are missing or have changed.
        RunFailed: The checkpoint is damaged, or the network does not predict finite numbers.
    """
    trained = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    sampled = sample_ensemble(run, trained, find_part(trained, split), count)
    measured = sampled.measured
    metrics = measured.scoring.metrics
    rows = [*wording.spread_rows(measured), *wording.average_rows(measured)]
    rows.append([wording.WEIGHT_SCALING, *(sampled.scaled[metric] for metric in metrics)])
    numbers: dict[str, Any] = {
        "split": split,
        "checkpoint": sampled.checkpoint,
        "examples": len(measured.scoring.labels),
    }
    shown = f"{sampled.dataset}, {split}, {counted(len(measured.scoring.labels), 'example')}"
    return Inspection(
        folder=f"ensemble-{count}-{split}-{sampled.checkpoint}",
        title=f"Ensemble of {count} {measured.name}",
        numbers=numbers | wording.ensemble_numbers(measured) | {"weight_scaling": dict(sampled.scaled)},
        headers=("prediction", *metrics),
        rows=rows,
        figures=[wording.curve_figure([measured], {wording.SCALED: sampled.scaled}, shown)],
        sentences=wording.ensemble_sentences(measured),
        files={"networks.csv": csv_bytes([metrics, *([one[name] for name in metrics] for one in measured.singles)])},
    )


def sample_ensemble(run: Run, trained: LoadedModel, part: Part, count: int) -> SampledEnsemble:
    """Draw networks and measure them.

    Args:
        run: The run, for messages.
        trained: Its model.
        part: The examples.
        count: Number of sampled networks, at least 2.

    Raises:
        UsageError: The run has no noise, or the predictions need too much memory.
        RunFailed: The network does not predict finite numbers.
    """
    dataset, experiment, task = trained.dataset, trained.experiment, trained.task
    batch, seed = experiment.training.evaluation_batch, experiment.seed
    scoring = scoring_of(task, part.labels)
    _require_memory(count, len(part), task)
    with thread_limit(experiment), trained.learner.averaged() as network:
        require_noise(run, trained, network, part)
        scaled = predicted(run, scoring, task, forward_passes.outputs(network, dataset, part, batch=batch))
        drawn = forward_passes.sampled_networks(network, dataset, part, seed=seed, count=count, batch=batch)
        networks = np.stack([predicted(run, scoring, task, outputs) for outputs in drawn])
        measured = measure_ensemble(SAMPLED, scoring, networks, seed=seed)
    return SampledEnsemble(measured, scoring.scores(scaled), trained.checkpoint, dataset.name, seed)


def scoring_of(task: Task, labels: Array) -> EnsembleScoring:
    """Return the scoring of a task.

    Args:
        task: The task.
        labels: (N,) class ids, or (N, targets) true values.
    """
    return NumberScoring(labels, task.targets.names) if isinstance(task, Regression) else ClassScoring(labels)


def predicted(run: Run, scoring: EnsembleScoring, task: Task, outputs: Array) -> Array:
    """Return the prediction of a network in the form that `scoring` averages.

    Raises:
        RunFailed: It is not finite.
    """
    values = scoring.values(task.predict(outputs))
    if not np.isfinite(values).all():
        raise RunFailed(str(run.path), "its network predicts numbers that are not finite", "Choose another checkpoint.")
    return values


def require_noise(run: Run, trained: LoadedModel, network: Layer, part: Part) -> None:
    """Raise UsageError if all sampled networks are equal."""
    if forward_passes.draws_noise(network, trained.dataset, part, seed=trained.experiment.seed):
        return
    name = VARIANTS.name_of(type(trained.experiment.dropout))
    why = "has no noise" if name == "none" else "drops nothing at its rates at the end of the training"
    fact = f"all sampled networks are equal, because the variant {name} {why}"
    raise UsageError(str(run.path), fact, "Choose a run with dropout.")


def _require_memory(count: int, examples: int, task: Task) -> None:
    needed = 8 * count * examples * task.outputs
    if needed > MAX_BYTES:
        most = max(2, MAX_BYTES // (8 * examples * task.outputs))
        fact = f"the predictions of {count:,} networks need {needed / 2**30:.1f} GB of memory"
        raise UsageError("--networks", fact, f"Use {most:,} or fewer.")

"""Scores of Monte Carlo dropout at the end of training.

There are scores for each number of passes T in `training.mc_passes`. They are those of `dropout eval RUN --mc T`: pass
t draws from the stream `monte_carlo:<path>` of the seed of the run, so T passes are the first T of a larger number. For
a regression without given noise, it is estimated for each T.

The file `monte_carlo.npz` has, for each T, the test predictions `T/NAME` and the contributions of each validation
example, `T/val/METRIC`. `dropout verify` computes the numbers of the summary again from them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.config.schema import Experiment
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Dataset, Part
from dropout_cli.metrics import compact_contributions
from dropout_cli.nn.layers.base import Layer
from dropout_cli.tasks import CombinedPasses, Task
from dropout_cli.training import forward_passes, noise_checks, pass_noise

MONTE_CARLO_FILE = "monte_carlo.npz"
SUMMARY_KEY = "monte_carlo"
"""The key in `summary.json`; below it the number of passes as a text, then `val` and `test`."""
LOG_DENSITIES = "log_mean_densities"
"""Name of the array with ln mean_t p_t(y) of each example and target of a regression."""
NOISE_FROM_TRAINING = (
    "training.mc_passes: without a validation part, the target noise is estimated on the training examples and is too "
    "small. Set objective.target_precision, or dataset.val_fraction."
)


@dataclass(frozen=True)
class MonteCarloResults:
    """Results of the passes at the end of training; all empty without `training.mc_passes`."""

    summary: Mapping[str, Any]
    """The entry of the summary."""
    arrays: Mapping[str, Array]
    """The arrays of MONTE_CARLO_FILE."""
    warnings: list[str]


def score_monte_carlo(task: Task, network: Layer, dataset: Dataset, experiment: Experiment) -> MonteCarloResults:
    """Score the mean of the first T passes on the validation and the test part, for each T of the config.

    Args:
        task: The task; of a regression, with its error on held-out examples.
        network: The network, with the weights that are evaluated.
        dataset: The data.
        experiment: The config.
    """
    counts = experiment.training.mc_counts
    if not counts:
        return MonteCarloResults({}, {}, [])
    # The largest number first: the estimates share its passes.
    tasks = pass_noise.fit_pass_noises(task, network, dataset, experiment, counts[::-1])
    scores: dict[str, dict[str, Any]] = {str(count): {} for count in counts}
    arrays: dict[str, Array] = {}
    for name, part in (("val", dataset.val), ("test", dataset.test)):
        if part is None:
            continue
        for count, combined in _first_passes(tasks, network, dataset, part, experiment):
            scores[str(count)][name] = pass_scores(tasks[count], combined, part.labels)
            arrays |= {f"{count}/{key}": each for key, each in _stored(name, combined, part.labels).items()}
    return MonteCarloResults({SUMMARY_KEY: scores}, arrays, _warnings(tasks, network, dataset, experiment))


def pass_scores(task: Task, combined: CombinedPasses, labels: Array) -> dict[str, Any]:
    """Return the scores of a part: those of its mean prediction, then those of the single passes.

    Args:
        task: The task.
        combined: The passes.
        labels: The true values of the part.
    """
    return {**task.scores(combined.predictions["monte_carlo"], labels), **combined.scores}


def _first_passes(
    tasks: Mapping[int | None, Task], network: Layer, dataset: Dataset, part: Part, experiment: Experiment
) -> Iterator[tuple[int, CombinedPasses]]:
    """Yield each number of passes, from small to large, with the combined passes of a part.

    Numbers with the same task share their sums.
    """
    counts = experiment.training.mc_counts
    sums = {id(tasks[count]): tasks[count].start_passes() for count in counts}
    drawn = forward_passes.noisy_passes(
        network,
        dataset,
        part,
        seed=experiment.seed,
        count=counts[-1],
        batch=experiment.training.evaluation_batch,
    )
    for number, outputs in enumerate(drawn, start=1):
        for task in {id(tasks[count]): tasks[count] for count in counts if count >= number}.values():
            task.add_pass(sums[id(task)], outputs, part.labels)
        if number in counts:
            yield number, tasks[number].combine_sums(sums[id(tasks[number])])


def _stored(name: str, combined: CombinedPasses, labels: Array) -> dict[str, Array]:
    """Return the arrays of a part that are stored.

    They are predictions of the test part, and contributions of each example of the validation part.

    Args:
        name: `val` or `test`.
        combined: The passes.
        labels: The true values of the part.
    """
    prediction, logs = combined.predictions["monte_carlo"], combined.log_mean_densities
    if name == "test":
        return {**prediction, **({} if logs is None else {LOG_DENSITIES: logs})}
    of_passes = {} if logs is None else {"nll_log_mean_exp": (-logs.mean(axis=1)).astype(np.float32)}
    return {f"val/{key}": each for key, each in (compact_contributions(prediction, labels) | of_passes).items()}


def _warnings(tasks: Mapping[int | None, Task], network: Layer, dataset: Dataset, experiment: Experiment) -> list[str]:
    """Return what a reader of the numbers must know."""
    # No error: in a sweep over variants, `none` stands beside the others, and its numbers are those of one pass.
    problem = noise_checks.no_noise_problem(
        "training.mc_passes", network, dataset, dataset.test, experiment, all_noise=False
    )
    found = [] if problem is None else [str(problem._replace(way_out=""))]
    if dataset.val is None and any(task.needs_passes for task in tasks.values()):
        found.append(NOISE_FROM_TRAINING)
    return found

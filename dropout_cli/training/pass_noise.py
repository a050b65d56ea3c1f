"""The target noise of a regression that is predicted with Monte Carlo passes.

The passes vary because of the dropout; the targets vary around their mean as well. This second noise is estimated on
the validation part, or on the training part if there is none.

At the end of training it is stored in the summary, so that predictions for new examples have it without the data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from dropout_cli.config.schema import Experiment
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Dataset
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.container import leaves
from dropout_cli.tasks import Regression, Task
from dropout_cli.training import forward_passes

MAX_ROWS = 2000
"""The most examples, spread over the part, that are used: they suffice for one number per target."""
SUMMARY_KEY = "monte_carlo_noise"
"""The key in `summary.json`; below it, `dropout` or `all` says what the passes draw."""


def fit_pass_noise(
    task: Task,
    network: Layer,
    dataset: Dataset,
    experiment: Experiment,
    *,
    count: int | None = None,
    training_noise: bool = False,
) -> Task:
    """Return the task with the target noise estimated for `count` passes."""
    return fit_pass_noises(task, network, dataset, experiment, [count], training_noise=training_noise)[count]


def fit_pass_noises(
    task: Task,
    network: Layer,
    dataset: Dataset,
    experiment: Experiment,
    counts: Sequence[int | None],
    *,
    training_noise: bool = False,
) -> dict[int | None, Task]:
    """Return the task with the target noise estimated for each number of passes.

    The estimates share their passes: with fewer passes, the first ones.
    """
    if not task.needs_passes:
        return dict.fromkeys(counts, task)
    part = dataset.val or dataset.train
    rows = np.linspace(0, len(part) - 1, min(MAX_ROWS, len(part))).astype(np.intp)
    kept: list[Array] = []

    def draw(passes: int) -> Iterator[Array]:
        if len(kept) < passes:
            kept[:] = forward_passes.noisy_passes(
                network,
                dataset,
                part,
                seed=experiment.seed,
                count=passes,
                batch=experiment.training.evaluation_batch,
                rows=rows,
                training_noise=training_noise,
            )
        yield from kept[:passes]

    return {count: task.fit_noise(draw, part.labels[rows], count) for count in counts}


def summarize_pass_noise(task: Task, network: Layer, dataset: Dataset, experiment: Experiment) -> dict[str, Any]:
    """Return the entry of the summary; empty if nothing is estimated or drawn."""
    if not task.needs_passes:
        return {}
    kinds = {"dropout": False}
    if any(layer.noise_kind == "training" for layer in leaves(network)):
        kinds["all"] = True
    found = {}
    for name, training_noise in kinds.items():
        if forward_passes.draws_noise(
            network, dataset, dataset.train, seed=experiment.seed, training_noise=training_noise
        ):
            known = fit_pass_noise(task, network, dataset, experiment, training_noise=training_noise)
            if isinstance(known, Regression) and known.pass_noise is not None:
                found[name] = asdict(known.pass_noise)
    return {SUMMARY_KEY: found} if found else {}

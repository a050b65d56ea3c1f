"""What can be asked of a run once it is complete, or has stopped: its numbers anew, without and with noise.

Each answer goes to a folder of its own under `after/`, and the same question replaces it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli import evaluation, monte_carlo, npz, results, trained
from dropout_cli.arrays import Array
from dropout_cli.data.dataset import Part
from dropout_cli.errors import UsageError
from dropout_cli.nn import losses
from dropout_cli.preparation import computing
from dropout_cli.runs import FORMAT, Run, as_json
from dropout_cli.trained import Trained

THINNED_SCORES = ("accuracy", "nll", "brier", "ece")
UNCERTAINTIES = ("predictive_entropy", "expected_entropy", "mutual_information", "variation_ratio")


def evaluate(run: Run, *, split: str = "test", checkpoint: str | None = None, figures: bool = True) -> dict[str, Any]:
    """Recompute the numbers of one part from a checkpoint; write them to `after/eval-<split>-<checkpoint>/`.

    `checkpoint`: `best` or `last`; None: the one that the summary names. Returns `split`,
    `checkpoint` and the part's numbers. Raises UsageError, DataError or RunFailed.
    """
    found = trained.load(run, checkpoint)
    part, dataset, settings = _part(found, split), found.dataset, found.experiment.training
    with computing(found.experiment), found.learner.averaged() as network:
        probs = evaluation.probabilities(network, dataset, part, batch=settings.evaluation_batch)
    numbers = {"split": split, "checkpoint": found.checkpoint, **results.scores(probs, part, dataset)}
    made = results.files(probs, part, dataset, title=f"{dataset.name}, {split}", figures=figures)
    run.write_after(f"eval-{split}-{found.checkpoint}", made | {"metrics.json": as_json({"format": FORMAT} | numbers)})
    return numbers


def draw(run: Run) -> Path:
    """Draw the figures of a complete run, such as a cell of a sweep, into `after/figures/`, and return that folder.

    Raises UsageError, DataError or RunFailed.
    """
    found = trained.load(run)
    test, dataset, settings = found.dataset.test, found.dataset, found.experiment.training
    with computing(found.experiment), found.learner.averaged() as network:
        probs = evaluation.probabilities(network, dataset, test, batch=settings.evaluation_batch)
    made = results.files(probs, test, dataset, title=f"{dataset.name}, test", figures=True)
    made |= results.training_figures(run.table("metrics.csv").columns(), found.learner.epoch)
    return run.write_after("figures", {name: data for name, data in made.items() if name.endswith(".png")})


def evaluate_with_noise(
    run: Run,
    passes: int,
    *,
    thinned: int = 10,
    split: str = "test",
    checkpoint: str | None = None,
    figures: bool = True,
) -> dict[str, Any]:
    """Predict one part in every way there is; write it to `after/eval-<split>-<checkpoint>-mc<passes>/`.

    `passes` >= 1 noisy passes; `thinned` >= 0 sampled networks, scored one by one. Returns `split`, `checkpoint`,
    `mc`, the numbers of `weight_scaling`, `monte_carlo` and `geometric_mean`, those of the `thinned` networks with
    mean and standard deviation (None where there are none), and the means of the uncertainties (monte_carlo).
    Confusion matrix and mistakes are those of the Monte-Carlo mean. Raises UsageError, DataError or RunFailed.
    """
    found = trained.load(run, checkpoint)
    part, dataset, settings = _part(found, split), found.dataset, found.experiment.training
    seed, batch = found.experiment.seed, settings.evaluation_batch
    with computing(found.experiment), found.learner.averaged() as network:
        scaled = evaluation.probabilities(network, dataset, part, batch=batch)
        drawn = monte_carlo.together(monte_carlo.passes(network, dataset, part, seed=seed, count=passes, batch=batch))
        networks = [
            results.scores(losses.softmax(logits), part, dataset)
            for logits in monte_carlo.thinned(network, dataset, part, seed=seed, count=thinned)
        ]
    numbers = {
        "split": split,
        "checkpoint": found.checkpoint,
        "mc": passes,
        "weight_scaling": results.scores(scaled, part, dataset),
        "monte_carlo": results.scores(drawn.probabilities, part, dataset),
        "geometric_mean": results.scores(drawn.geometric_mean, part, dataset),
        "thinned": _spread(networks) if networks else None,
        **{name: float(getattr(drawn, name).mean()) for name in UNCERTAINTIES},
    }
    title = f"{dataset.name}, {split}, {passes} Monte-Carlo passes"
    made = results.files(drawn.probabilities, part, dataset, title=title, figures=figures)
    made["metrics.json"] = as_json({"format": FORMAT} | numbers)
    made["predictions.npz"] = npz.write(
        labels=part.labels,
        rows=part.rows,
        probabilities=drawn.probabilities,
        weight_scaling=scaled,
        geometric_mean=drawn.geometric_mean,
        predictive_entropy=drawn.predictive_entropy,
        mutual_information=drawn.mutual_information,
    )
    run.write_after(f"eval-{split}-{found.checkpoint}-mc{passes}", made)
    return numbers


def _part(found: Trained, split: str) -> Part:
    part = found.dataset.part(split)
    if part is None:
        raise UsageError("--split", f"this run has no {split} part", "Its dataset.val_fraction is 0.")
    return part


def _spread(networks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The scores of each network, their mean, and their standard deviation, of a sample; None for that of one."""
    values: Array = np.array([[network[name] for name in THINNED_SCORES] for network in networks])
    sd = values.std(axis=0, ddof=1).tolist() if len(networks) > 1 else [None] * len(THINNED_SCORES)
    return {
        "networks": [dict(zip(THINNED_SCORES, row, strict=True)) for row in values.tolist()],
        "mean": dict(zip(THINNED_SCORES, values.mean(axis=0).tolist(), strict=True)),
        "sd": dict(zip(THINNED_SCORES, sd, strict=True)),
    }

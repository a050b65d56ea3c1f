"""How well the certainty of a trained network tells strange examples from known ones."""

import math
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from dropout_cli.analysis.certainty.passes import choose_passes, no_spread_notice
from dropout_cli.analysis.certainty.score_figures import SCORE_WORDS, Score, auroc_interval_text, score_figures
from dropout_cli.analysis.certainty.strangers import find_strangers
from dropout_cli.analysis.inspection import Inspection
from dropout_cli.analysis.predictors import PREDICTORS, find_part, with_target_error
from dropout_cli.core import npz
from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part
from dropout_cli.metrics.out_of_distribution import separate
from dropout_cli.nn.layers.base import Layer
from dropout_cli.runs import Run
from dropout_cli.tasks import Regression, Task
from dropout_cli.training import forward_passes, restore
from dropout_cli.training.restore import LoadedModel
from dropout_cli.training.setup import thread_limit

SCORE_DECIMALS = 12
"""Mutual information is a difference; beyond these decimals it is rounding, which must not break ties."""
RANGE_RATIO = 8.0
"""Ratio of the largest values from which the units of strange examples are doubtful."""


def study_out_of_distribution(
    run: Run,
    source: str,
    *,
    passes: int | None = None,
    split: str = "test",
    checkpoint: str | None = None,
    all_noise: bool = False,
    allow_changed_data: bool = False,
) -> Inspection:
    """Compare the scores of a part of the data with those of strange examples.

    Scores of a classification are the maximum probability (negated), the entropy and, with passes, the mutual
    information; those of a regression the predicted standard deviation, if it varies, and that of the passes.

    Args:
        run: A run with a checkpoint.
        source: The strange examples, see `strangers.find_strangers`.
        passes: Number of Monte Carlo passes; None: 20 if the network draws noise.
        split: The known examples: `train`, `val` or `test`.
        checkpoint: `best` or `last`; None: the one that the summary names.
        all_noise: True to draw the noise of the training (`input_noise`, `hidden_noise`) in addition to dropout.
        allow_changed_data: True to accept data that differ from those of the training.

    Raises:
        UsageError: The run has no such part or checkpoint, or a regression has no spread that varies.
        ConfigError: There is no such config.
        DataError: Data are missing or have changed, or the strange examples do not fit the run.
        RunFailed: The checkpoint is damaged.
    """
    trained = restore.load_model(run, checkpoint, allow_changed_data=allow_changed_data)
    part, experiment = find_part(trained, split), trained.experiment
    with thread_limit(experiment), trained.learner.averaged() as network:
        count, notices = choose_passes(trained, network, part, passes, all_noise, "--ood")
        task = with_target_error(trained, network)
        _require_scores(task, count)
        strangers = find_strangers(source, trained, part)
        known = _scores(trained, network, task, part, count, all_noise)
        pieces = []
        for chunk, more in strangers.chunks:
            notices += [*more, *_range_notice(part, chunk)]
            # Numbers near the limit of float32 become infinite inside of the network.
            with np.errstate(over="ignore", invalid="ignore"):
                pieces.append(_scores(trained, network, task, chunk, count, all_noise))
            if not all(np.isfinite(scores).all() for scores in pieces[-1].values()):
                fact = "has examples for which the outputs of the network are not finite numbers"
                raise DataError(f"--ood {source}", fact, "Give examples in the units of the training")
    if not pieces:
        raise DataError(f"--ood {source}", "has no examples", "Give a file with examples")
    strange = {name: np.concatenate([piece[name] for piece in pieces]) for name in known}
    if count is not None:
        notices += _leave_out_rounding(known, strange, task, count)
    found = {name: separate(known[name], strange[name]) for name in known}
    sizes = len(part), len(next(iter(strange.values())))
    subtitle = f"known: {sizes[0]:,} {split} examples of {trained.dataset.name}; strange: {strangers.description}"
    counts = "" if count is None else f"-mc{count}"
    scores = [
        {"prediction": predictor, "score": score}
        | {name: None if math.isnan(value) else value for name, value in asdict(separation).items()}
        for (predictor, score), separation in found.items()
    ]
    return Inspection(
        f"ood-{strangers.name}-{split}-{trained.checkpoint}{counts}{'-all-noise' * all_noise}",
        f"Strange examples: {strangers.description}" + ("" if count is None else f", {counted(count, 'pass')}"),
        {
            "split": split,
            "checkpoint": trained.checkpoint,
            "ood": source,
            "mc": count,
            "known": sizes[0],
            "strange": sizes[1],
            "scores": scores,
        },
        ("prediction", "score", "AUROC", "95 % interval", "AP (strange)", "AP (known)", "FPR at 95 % TPR"),
        [
            (
                PREDICTORS[predictor],
                SCORE_WORDS[score],
                one.auroc,
                auroc_interval_text(one),
                one.average_precision_strange,
                one.average_precision_known,
                one.fpr95_strange,
            )
            for (predictor, score), one in found.items()
        ],
        score_figures(known, strange, found, count, subtitle),
        [
            f"The average precision (AP) depends on the numbers of examples: {sizes[0]:,} known and "
            f"{sizes[1]:,} strange. By chance it is {sizes[1] / sum(sizes):.3f} for strange and "
            f"{sizes[0] / sum(sizes):.3f} for known examples as the positive class, and AUROC is 0.5."
        ],
        list(dict.fromkeys(notices)),
        {"scores.npz": _score_arrays(known, strange)},
    )


def _require_scores(task: Task, passes: int | None) -> None:
    """Raise UsageError if a regression has the same spread for all examples."""
    if isinstance(task, Regression) and not task.heteroscedastic and passes is None:
        fact = "a regression needs a spread that varies between examples, but this network predicts none and draws none"
        raise UsageError("--ood", fact, "Train with dropout, or with the objective gaussian_nll.")


def _scores(
    trained: LoadedModel, network: Layer, task: Task, part: Part, passes: int | None, all_noise: bool
) -> dict[Score, Array]:
    """Return the scores of examples, (N,) each; higher is stranger."""
    dataset, batch, seed = trained.dataset, trained.experiment.training.evaluation_batch, trained.experiment.seed
    scaled = task.predict(forward_passes.outputs(network, dataset, part, batch=batch))
    found: dict[Score, Array] = {}
    combined = None
    if passes is not None:
        drawn = forward_passes.noisy_passes(
            network, dataset, part, seed=seed, count=passes, batch=batch, training_noise=all_noise
        )
        combined = task.combine_passes(drawn)
    if isinstance(task, Regression):
        if task.heteroscedastic:
            found["weight_scaling", "sd"] = _relative_sd(scaled["sd"], task)
        if combined is not None:
            if task.heteroscedastic:
                found["monte_carlo", "sd"] = _relative_sd(combined.predictions["monte_carlo"]["sd"], task)
            found["monte_carlo", "model_sd"] = _relative_sd(combined.uncertainties["model_sd"], task)
        return found
    predictions = {"weight_scaling": scaled, **({} if combined is None else combined.predictions)}
    for predictor in ("weight_scaling", "monte_carlo"):
        if predictor in predictions:
            # Logarithms tell probabilities apart that round to 1; their order is the same.
            logs = np.asarray(predictions[predictor]["log_probabilities"], np.float64)
            found[predictor, "max_probability"] = -logs.max(axis=1)
            found[predictor, "entropy"] = -(np.exp(logs) * logs).sum(axis=1)
    if combined is not None:
        information = combined.uncertainties["mutual_information"]
        found["monte_carlo", "mutual_information"] = np.round(information, SCORE_DECIMALS)
    return found


def _leave_out_rounding(known: dict[Score, Array], strange: dict[Score, Array], task: Task, passes: int) -> list[str]:
    """Remove the spread of passes that do not differ, and return a notice about it."""
    name, unit = ("monte_carlo", "mutual_information"), 1.0
    if isinstance(task, Regression):
        name, unit = ("monte_carlo", "model_sd"), float(task.targets.sd.max())
    largest = max(float(scores[name].max()) for scores in (known, strange))
    left_out = no_spread_notice(task, passes, unit * largest)
    if left_out:
        del known[name], strange[name]
    if not known:
        raise UsageError("--ood", "these passes have no spread, and a regression has no other score", "Use --mc 20.")
    return left_out


def _relative_sd(sd: Array, task: Regression) -> Array:
    """Return the sd of each example in units of the targets' own sd, averaged over the targets."""
    return np.asarray((sd / task.targets.sd).mean(axis=1))


def _range_notice(known: Part, strange: Part) -> list[str]:
    """Return a notice if the largest values differ so much that the units may be different."""
    if len(known.x.shape) != 4:
        return []
    rows = slice(0, 100)
    ours, theirs = (float(np.abs(np.asarray(part.x[rows], np.float64)).max()) for part in (known, strange))
    if ours and theirs and not 1 / RANGE_RATIO <= theirs / ours <= RANGE_RATIO:
        return [
            f"--ood: the largest value of the strange images is {theirs:g}, that of the known ones {ours:g}. "
            "If the units differ, this alone makes them strange."
        ]
    return []


def _score_arrays(known: Mapping[Score, Array], strange: Mapping[Score, Array]) -> bytes:
    """Return the scores of all examples as an npz file, with names such as `known_monte_carlo_entropy`."""
    arrays = {
        f"{kind}_{predictor}_{score}": values
        for kind, scores in (("known", known), ("strange", strange))
        for (predictor, score), values in scores.items()
    }
    return npz.write_npz(**arrays)

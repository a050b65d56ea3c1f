"""The ways to predict one part of the data with a trained network.

`weight_scaling` is one pass without noise. `monte_carlo` is the mean of several passes with noise, and
`geometric_mean`, for classification, their normalized geometric mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dropout_cli.analysis import mc_notices
from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part
from dropout_cli.nn.layers.base import Layer
from dropout_cli.tasks import Prediction, Task
from dropout_cli.training import forward_passes, pass_noise
from dropout_cli.training.restore import LoadedModel

PREDICTORS = {
    "weight_scaling": "no noise (weight scaling)",
    "monte_carlo": "Monte Carlo",
    "geometric_mean": "geometric mean",
}
"""Name of a predictor in files -> its name for people."""


@dataclass(frozen=True)
class PartPredictions:
    """Predictions of one part by each predictor."""

    predictions: Mapping[str, Prediction]
    """Predictor -> prediction; `weight_scaling` is the first."""
    uncertainties: Mapping[str, Array]
    """Name -> (N,) or (N, targets), from the passes; empty without passes."""
    scores: Mapping[str, float]
    """Scores that need the single passes, such as `nll_log_mean_exp`."""
    notices: list[str]
    """Messages about the passes."""


def find_part(trained: LoadedModel, split: str) -> Part:
    """Return a part of the data.

    Args:
        trained: The model.
        split: `train`, `val` or `test`.

    Raises:
        UsageError: The run does not have the part.
    """
    part = trained.dataset.part(split)
    if part is None:
        raise UsageError(
            "--split", f"this run has no {split} part, because dataset.val_fraction is 0", "Choose train or test."
        )
    return part


def with_target_error(trained: LoadedModel, network: Layer) -> Task:
    """Return the run's task; for regression with the error of this checkpoint on held-out examples."""
    dataset, batch = trained.dataset, trained.experiment.training.evaluation_batch
    # Probabilities need no noise of the targets.
    if trained.task.name == "classification":
        return trained.task
    part = dataset.val or dataset.train  # without a validation part, the estimate is too small
    return trained.task.fit_error(forward_passes.outputs(network, dataset, part, batch=batch), part.labels)


def predict_part(
    trained: LoadedModel,
    network: Layer,
    task: Task,
    part: Part,
    *,
    passes: int | None = None,
    all_noise: bool = False,
    scored: bool = True,
) -> PartPredictions:
    """Predict a part without noise and, on request, with Monte Carlo passes.

    Args:
        trained: The model.
        network: Its network, with the evaluated weights.
        task: The task, as `with_target_error` returns it.
        part: The examples.
        passes: Number of passes with noise; None: none.
        all_noise: True to draw the noise of the training (`input_noise`, `hidden_noise`) in addition to dropout.
        scored: True to compute the scores that need the labels and the single passes.
    """
    dataset, experiment = trained.dataset, trained.experiment
    batch, seed = experiment.training.evaluation_batch, experiment.seed
    scaled = task.predict(forward_passes.outputs(network, dataset, part, batch=batch))
    if passes is None:
        return PartPredictions({"weight_scaling": scaled}, {}, {}, [])
    # Asked before the passes: a hundred equal passes look like certainty.
    notices = mc_notices.no_noise_notice(network, dataset, part, experiment, all_noise)
    with_noise = pass_noise.fit_pass_noise(task, network, dataset, experiment, count=passes, training_noise=all_noise)
    notices += with_noise.notices()
    if dataset.val is None and with_noise.needs_passes:
        notices.append(mc_notices.NOISE_FROM_TRAINING)
    drawn = with_noise.combine_passes(
        # The seed of the run: the same command gives the same bytes every time.
        forward_passes.noisy_passes(
            network,
            dataset,
            part,
            seed=seed,
            count=passes,
            batch=batch,
            training_noise=all_noise,
            workers=forward_passes.spare_workers(int(experiment.training.threads)),
        ),
        part.labels if scored else None,
    )
    return PartPredictions({"weight_scaling": scaled, **drawn.predictions}, drawn.uncertainties, drawn.scores, notices)

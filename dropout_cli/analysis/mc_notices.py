"""Notices about Monte-Carlo passes: no noise, or target noise that is counted twice."""

from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import Problem
from dropout_cli.data.dataset import Dataset, Part
from dropout_cli.nn.layers.base import Layer
from dropout_cli.training import forward_passes
from dropout_cli.variants import VARIANTS

NOISE_COUNTED_TWICE = (
    "--mc: this run stored no estimate of the target noise for these passes. sd is therefore too large: it counts "
    "the spread of the passes twice."
)
NOISE_FROM_TRAINING = (
    "--mc: without a validation part, the target noise is estimated on the training examples and is too small."
)


def no_noise_notice(network: Layer, dataset: Dataset, part: Part, experiment: Experiment, all_noise: bool) -> list[str]:
    """Return one line that explains why the passes draw no noise; none if they draw.

    Args:
        network: The trained network.
        dataset: The data of the run.
        part: The examples for which one pass is tried.
        experiment: The config of the run.
        all_noise: True if the passes draw the noise of the training, too.
    """
    problem = no_noise_problem("--mc", network, dataset, part, experiment, all_noise)
    return [] if problem is None else [str(problem)]


def no_noise_problem(
    option: str, network: Layer, dataset: Dataset, part: Part, experiment: Experiment, all_noise: bool
) -> Problem | None:
    """Return the reason why the passes draw no noise; None if they draw.

    Args:
        option: The option that asks for the passes.
        network: The trained network.
        dataset: The data of the run.
        part: The examples for which one pass is tried.
        experiment: The config of the run.
        all_noise: True if the passes draw the noise of the training, too.
    """
    seed = experiment.seed
    if forward_passes.draws_noise(network, dataset, part, seed=seed, training_noise=all_noise):
        return None
    # The noise of the training may be there although dropout has none.
    if not all_noise and forward_passes.draws_noise(network, dataset, part, seed=seed, training_noise=True):
        way_out = "--mc-noise all also uses input_noise and hidden_noise, which are meant for training only."
    else:
        way_out = ""
    name = VARIANTS.name_of(type(experiment.dropout))
    why = "has no noise" if name == "none" else "drops nothing at its rates at the end of the training"
    return Problem(option, f"all passes are identical, because the variant {name} {why}", way_out)

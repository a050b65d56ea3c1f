"""Notices about Monte Carlo passes: no noise, or target noise that is counted twice."""

from dropout_cli.config.schema import Experiment
from dropout_cli.data.dataset import Dataset, Part
from dropout_cli.nn.layers.base import Layer
from dropout_cli.training import noise_checks

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
    problem = noise_checks.no_noise_problem("--mc", network, dataset, part, experiment, all_noise)
    return [] if problem is None else [str(problem)]

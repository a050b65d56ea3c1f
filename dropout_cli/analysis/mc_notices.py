"""Notices about Monte-Carlo passes: no noise, or target noise that is counted twice."""

from dropout_cli.config.schema import Experiment
from dropout_cli.data.dataset import Dataset, Part
from dropout_cli.nn.layers.base import Layer
from dropout_cli.training import inference
from dropout_cli.variants import VARIANTS

NOISE_COUNTED_TWICE = (
    "--mc: this run has no estimate of the target noise for these passes (it is from an older version, or the passes "
    "draw other noise). So sd is too large: it adds the spread of the passes to the errors of the prediction."
)
NOISE_FROM_TRAINING = (
    "--mc: this run has no validation part. The noise of the targets is estimated on the training examples, and is "
    "too small."
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
    seed = experiment.seed
    if inference.draws_noise(network, dataset, part, seed=seed, training_noise=all_noise):
        return []
    # The noise of the training may be there although dropout has none.
    if not all_noise and inference.draws_noise(network, dataset, part, seed=seed, training_noise=True):
        way_out = " Use --mc-noise all to draw input_noise and hidden_noise of the training."
    else:
        way_out = ""
    name = VARIANTS.name_of(type(experiment.dropout))
    why = "has none" if name == "none" else "drops nothing at its rates at the end of the training"
    return [f"--mc: the passes have no noise: the variant {name} {why}. All passes are the same.{way_out}"]

"""Notices on Monte-Carlo passes: they had no noise, or the noise of the targets is counted twice."""

from dropout_cli.config.schema import Experiment
from dropout_cli.data.dataset import Dataset, Part
from dropout_cli.nn.layers.base import Layer
from dropout_cli.training import inference
from dropout_cli.variants import VARIANTS

COUNTED_TWICE = (
    "--mc: this run estimated no noise of the targets beside passes (an older version, or passes of another kind): sd "
    "counts the errors of the prediction without noise, and the spread of the passes once more."
)
TRAINING_ERRORS = (
    "--mc: without a validation part the noise of the targets is estimated on the training examples, and too small."
)


def without_noise(network: Layer, dataset: Dataset, part: Part, experiment: Experiment, all_noise: bool) -> list[str]:
    """Return one line that says why the passes draw nothing; no line where they draw."""
    seed = experiment.seed
    if inference.draws(network, dataset, part, seed=seed, training_noise=all_noise):
        return []
    if not all_noise and inference.draws(network, dataset, part, seed=seed, training_noise=True):
        way_out = " --mc-noise all draws input_noise and hidden_noise, which are noise of the training."
    else:
        way_out = ""
    name = VARIANTS.name_of(type(experiment.dropout))
    why = "has none" if name == "none" else "drops nothing at the rates with which the training ended"
    return [f"--mc: there was no noise: the variant {name} {why}. All passes say the same.{way_out}"]

"""Checks for noise that a network never draws, or that its inputs do not suit."""

from collections.abc import Iterator

from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import ConfigError, Problem
from dropout_cli.core.text import counted
from dropout_cli.data.dataset import Dataset, Part
from dropout_cli.nn.layers.base import Layer
from dropout_cli.objectives import OBJECTIVES
from dropout_cli.training import forward_passes
from dropout_cli.variants import VARIANTS


def check_noise(experiment: Experiment, network: Layer, steps: int) -> None:
    """Raise ConfigError if the network never draws the noise of the config in its steps."""
    parts = network.split_at_dropout()
    at_ends = []
    for step in (0, steps - 1):
        network.set_step(step)
        at_ends.append((network.draws(), parts is not None and parts[1].draws()))
    network.set_step(0)
    anywhere, noise_before_logits = (any(drawn) for drawn in zip(*at_ends, strict=True))
    name = OBJECTIVES.name_of(type(experiment.objective))
    if experiment.objective.needs_noise == "anywhere" and not anywhere:
        drawn_text = f"this network draws none in {counted(steps, 'step')}"
        fact = f"{name} compares passes with different noise, but {drawn_text}"
        raise ConfigError("objective", fact, "Set a rate above 0, or use another rate_schedule.")
    if experiment.objective.needs_noise == "before the logits" and not noise_before_logits:
        fact = f"{name} needs noise before the logits, but this network draws none there in {counted(steps, 'step')}"
        raise ConfigError("objective", fact, "Set the last rate above 0, or use cross_entropy.")
    if any(experiment.dropout.rates()) and experiment.dropout.is_silent(steps):
        fact = f"sets the rate to 0 in all {counted(steps, 'step')}"
        raise ConfigError("dropout.rate_schedule", fact, "Use another schedule, or variant: none.")


def scaling_warnings(experiment: Experiment) -> Iterator[str]:
    """Warn if the variant assumes standardized inputs, and these are not."""
    scaling = experiment.dataset.scaling
    if experiment.dropout.assumes_standardized and scaling != "standardize":
        name = VARIANTS.name_of(type(experiment.dropout))
        yield (
            f"dataset.scaling: {scaling}, and {name} dropout assumes inputs of mean 0 and variance 1. "
            "Set dataset.scaling=standardize."
        )


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

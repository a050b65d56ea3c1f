"""Checks of a config for noise that is never drawn, or that its inputs do not suit."""

from collections.abc import Iterator

from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.text import counted
from dropout_cli.nn.layers.base import Layer
from dropout_cli.objectives import OBJECTIVES
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

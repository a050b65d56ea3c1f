"""A small finished run, for tests of later commands."""

from pathlib import Path

from dropout_cli import config
from dropout_cli.runs import Run
from dropout_cli.training.loop import EpochRecord, TrainingProgress
from dropout_cli.training.run import TrainingWatch, prepare_run, run_experiment
from dropout_cli.variants import VARIANTS

CONFIG = """
dataset: {name: digits}
architecture: {name: mlp, hidden: [16, 12]}
dropout: {variant: inverted, rate: 0.3}
training: {epochs: 2, batch_size: 64, optimizer: {name: adam, learning_rate: 3e-3}}
"""


def suited(name: str) -> tuple[str, str]:
    """Return overrides that use a variant in a small network that supports it."""
    variant = VARIANTS[name]
    layers = {
        "maps": "name: cnn, layers: [conv 8 3x3, pool 2, dense 16, dense 12]",
        "blocks": "name: resnet, depth: 8, widths: [2, 3, 4]",
    }.get(variant.supports, "name: mlp")
    return f"architecture={{{layers}, activation: {variant.suited_activation}}}", f"dropout={{variant: {name}}}"


def ignore(event: TrainingProgress | EpochRecord) -> None:
    """Ignore an event of the training."""


def train(folder: Path, *overrides: str, watch: TrainingWatch = ignore) -> Run:
    """Train the small digits config with overrides, and return the run."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "small.yaml"
    file.write_text(CONFIG)
    loaded = config.load_config(file, overrides)
    run = Run.create(folder / "runs", "small")
    run_experiment(prepare_run(loaded.experiment), run, loaded.text, watch=watch, figures=False)
    return run

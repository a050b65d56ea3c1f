"""Runs with the objectives that perturb inputs: resuming, stored configs, wrong keys, other tasks."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.core.errors import ConfigError, Interrupted, StopRequest
from dropout_cli.runs import Run
from dropout_cli.training import resume
from dropout_cli.training.checkpoint import LAST
from dropout_cli.training.loop import EpochRecord, TrainingProgress
from tests.small_run import ignore, train

OBJECTIVES = ["adversarial", "virtual_adversarial"]
NETWORKS = {
    "mlp": "architecture={name: mlp, hidden: [16, 12], batch_norm: true, hidden_noise: 0.1}",
    "cnn": "architecture={name: cnn, layers: [conv 4 3x3, pool 2, dense 12]}",
    "resnet": "architecture={name: resnet, depth: 8, widths: [2, 3, 4]}",
}


def stop_after_two(event: TrainingProgress | EpochRecord) -> None:
    """Ask the run to stop once its second epoch is over."""
    if isinstance(event, EpochRecord) and event.epoch == 2:
        raise StopRequest(130)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("network", NETWORKS)
def test_two_epochs_and_two_resumed_ones_are_four_in_bytes(tmp_path: Path, objective: str, network: str) -> None:
    """Random directions and running averages too; with momentum, which the further passes leave as it is."""
    settings = [
        f"objective={objective}",
        NETWORKS[network],
        f"dropout={'stochastic_depth' if network == 'resnet' else 'inverted'}",
        "training.epochs=4",
        "training.optimizer={name: sgd, momentum: 0.9, learning_rate: 0.02}",
        "training.average={decay: 0.9}",
        "training.save_every=every_epoch",
    ]
    whole = train(tmp_path / "whole", *settings)
    with pytest.raises(Interrupted) as caught:
        train(tmp_path, *settings, watch=stop_after_two)
    run = Run(Path(caught.value.problems[0].place))
    resume.resume_run(run, watch=ignore, figures=False)
    for file in ("metrics.csv", "predictions.npz", LAST):
        assert run.read(file) == whole.read(file), file


@pytest.mark.parametrize("objective", ["{name: adversarial, epsilon: 0.5, norm: linf}", "{name: virtual_adversarial}"])
def test_a_stored_config_is_the_same_experiment(tmp_path: Path, objective: str) -> None:
    """What resolved.yaml says gives the objective again."""
    run = train(tmp_path, f"objective={objective}", "training.epochs=1")
    again = config.load_config(run.path / "resolved.yaml").experiment
    assert (
        again.objective == config.load_config(tmp_path / "small.yaml", [f"objective={objective}"]).experiment.objective
    )


@pytest.mark.parametrize(
    ("objective", "fact"),
    [
        ("{name: adversarial, epsilom: 1}", r"objective.epsilom: unknown key. Did you mean 'epsilon'\?"),
        ("{name: adversarial, epsilon: 0}", "objective.epsilon: must be above 0"),
        ("{name: adversarial, norm: l1}", "objective.norm: .*l2.*linf"),
        ("{name: adversarial, alpha: -1}", "objective.alpha: must be at least 0"),
        ("{name: virtual_adversarial, iterations: 0}", "objective.iterations: must be at least 1"),
        ("{name: virtual_adversarial, xi: 0}", "objective.xi: must be above 0"),
    ],
)
def test_wrong_keys_are_refused_by_name(tmp_path: Path, objective: str, fact: str) -> None:
    """With the place and what the key takes."""
    with pytest.raises(ConfigError, match=fact):
        train(tmp_path, f"objective={objective}")


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_regression_is_refused(tmp_path: Path, objective: str) -> None:
    """Both are defined by class probabilities; the message names what a regression can use."""
    rows = np.random.default_rng(0).normal(size=(200, 3))
    np.savetxt(tmp_path / "t.csv", rows, delimiter=",", header="a,b,y", comments="")
    with pytest.raises(ConfigError, match=rf"objective.*{objective}.*squared_error"):
        train(tmp_path, f"dataset={{name: table, path: {tmp_path}/t.csv, target: y}}", f"objective={objective}")

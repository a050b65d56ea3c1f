"""The penalty beside a regression's loss is the divergence in the units of that loss, for any number of targets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import ConfigError, IncompatibleVersion, Interrupted
from dropout_cli.core.rng import Noise, stream
from dropout_cli.nn import losses
from dropout_cli.nn.activations.tanh import Tanh
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.container import leaves
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.runs import Run
from dropout_cli.training import resume
from dropout_cli.training.run import prepare_run, run_experiment
from dropout_cli.training.setup import prepare
from dropout_cli.variants import VARIANTS, Location
from tests.gradients import check_layer
from tests.training.test_arithmetic import noting
from tests.variants.test_contract import stop_after_two

LAWS = {
    "concrete": "variant: concrete, length_scale: 0.1",
    "variational": "variant: variational",
    "variational weight": "variant: variational, mode: weight, share: weight",
    "sparse_variational": "variant: sparse_variational, kl_from: 0, kl_warmup: 0",
}
N = 40


def experiment(folder: Path, variant: str, targets: int | None, *overrides: str) -> Experiment:
    """A regression with so many equal targets; None: two classes."""
    x = stream(0, "test:x").standard_normal((N, 3)).astype(np.float32)
    y: Any = (x[:, 0] > 0).astype(int) if targets is None else np.repeat(x[:, :1], targets, axis=1)
    np.savez(folder / "a.npz", x=x, y=y)
    (folder / "a.yaml").write_text(
        f"dataset: {{name: arrays, path: {folder}/a.npz}}\narchitecture: {{name: mlp, hidden: [4]}}\n"
        f"dropout: {{{LAWS[variant]}}}\ntraining: {{epochs: 4, batch_size: 10, save_every: every_epoch}}\n"
    )
    return config.load_config(folder / "a.yaml", overrides).experiment


def penalty(folder: Path, variant: str, targets: int | None, *overrides: str) -> float:
    """That of the hidden layer, which has the same weights whatever comes out of the network."""
    network = prepare(experiment(folder, variant, targets, *overrides)).learner.network
    network.set_step(10)
    return sum(one.penalty() for one in leaves(network) if one.path.startswith("hidden1"))


@pytest.mark.parametrize("variant", LAWS)
def test_the_penalty_is_in_the_units_of_the_loss(tmp_path: Path, variant: str) -> None:
    """In nats it is the same for classes, one target and three: mean squared error = 2 / (tau T) times nats."""
    nats = penalty(tmp_path, variant, None)
    assert penalty(tmp_path, variant, 1) == nats != 0
    assert penalty(tmp_path, variant, 3) == pytest.approx(nats / 3, rel=1e-12)
    assert penalty(tmp_path, variant, 3, "dropout.noise_precision=5") == pytest.approx(nats * 2 / (5 * 3), rel=1e-12)
    assert penalty(tmp_path, variant, 3, "objective=gaussian_nll") == pytest.approx(nats / 3, rel=1e-12)


def test_the_scale_turns_a_negative_log_likelihood_into_the_loss() -> None:
    """Of N(f, 1 / tau) over T targets, up to a constant: differences of the two are in the ratio 2 / (tau T)."""
    tau, targets = 3.0, 4
    outputs, labels = (stream(0, f"test:{name}").standard_normal((2, 9, targets)) for name in ("f", "y"))
    nats = [float((tau / 2 * (f - labels[0]) ** 2).sum(axis=1).mean()) for f in outputs]
    found = [losses.squared_error(f, labels[0])[0] for f in outputs]
    assert (found[0] - found[1]) / (nats[0] - nats[1]) == pytest.approx(2 / (tau * targets), rel=1e-12)


@pytest.mark.parametrize("variant", LAWS)
def test_gradients_hold_with_several_targets(variant: str) -> None:
    """Of the unit with its penalty, at another precision than the usual one."""
    name, _, mode = variant.partition(" ")
    settings: dict[str, Any] = {"mode": "weight", "share": "weight"} if mode else {}
    settings |= {"kl_from": 0, "kl_warmup": 0, "start": -3.0} if name == "sparse_variational" else {}
    settings["noise_precision"] = 0.7
    built = VARIANTS[name](**settings)
    around = Location(path="a", kind="hidden", index=0, count=1, fan_in=4, examples=3, steps=9, targets=3, squared=True)

    def unit() -> Layer:
        linear = Dense("a", 4, 3, Glorot(bias_sd=0.5), seed=0, dtype=np.dtype(np.float64))
        return built.unit(linear, [], Tanh("tanh"), around)

    x = stream(0, "test:x").standard_normal((6, 4))
    check_layer(unit, x, noise=lambda: Noise(0, 1), train=True)


def test_a_precision_that_no_loss_asks_for_is_refused(tmp_path: Path) -> None:
    """By name: classes, and a network that predicts its variance, have no precision to state."""
    for targets, objective in ((None, "objective.label_smoothing=0"), (1, "objective=gaussian_nll")):
        with pytest.raises(ConfigError, match=r"dropout\.noise_precision"):
            prepare(experiment(tmp_path, "concrete", targets, "dropout.noise_precision=5", objective))


@pytest.mark.parametrize(("targets", "refused"), [(1, False), (2, True)])
def test_only_runs_with_several_targets_cannot_go_on(tmp_path: Path, targets: int, refused: bool) -> None:
    """Begun by an older version: their first epochs had another penalty."""
    run = Run.create(tmp_path / "runs", "small")
    with pytest.raises(Interrupted):
        run_experiment(
            prepare_run(experiment(tmp_path, "concrete", targets)), run, None, watch=stop_after_two, figures=False
        )
    noting(run, None)
    if refused:
        with pytest.raises(IncompatibleVersion, match="several targets"):
            resume.resume_run(run, watch=lambda event: None, figures=False)
    else:
        assert resume.resume_run(run, watch=lambda event: None, figures=False)["epochs"] == 4

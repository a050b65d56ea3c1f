"""The prediction of a row does not depend on other rows, for every variant."""

import json
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis import evaluate, predict
from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.runs import Run
from dropout_cli.training import forward_passes as inference
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.dropconnect import DropConnect
from tests.commands import dropout
from tests.metrics.test_monte_carlo import data
from tests.small_run import suited, train

CASES = {name: suited(name) for name, _ in VARIANTS} | {
    f"{name}: {keys}": (suited(name)[0], f"dropout={{variant: {name}, {keys}}}")
    for name, keys in [
        ("dropconnect", "inference: sample"),
        ("dropconnect", "inference: sample, masks: exact"),
        ("dropconnect", "masks: exact"),
        ("variational", "mode: weight, share: weight"),
        ("variational", "mode: unit, share: unit"),
        ("stochastic_depth", "per: batch"),
        ("inverted", "rate: 0.5, input_rate: 0.2"),
        ("batchwise", "rate: 0.5, input_rate: 0.2"),
        ("shakeout", "rate: 0.5, input_rate: 0.2, c: 0.1"),
    ]
}
CASES["inverted, normalized"] = (
    "architecture={name: mlp, batch_norm: true, input_noise: 0.2, hidden_noise: 0.2}",
    "dropout=inverted",
)
FEW = (
    "training.epochs=1",
    "training.steps_per_epoch=3",
    "training.evaluation_batch=7",
    "training.optimizer={name: sgd, learning_rate: 0.01}",
)
"""Twenty rows come in three batches; learned rates stay near their start."""


def saved(run: Run, x: Array) -> Path:
    """The rows in a file."""
    file = run.path.parent / "rows.npy"
    np.save(file, x)
    return file


def said(run: Run, x: Array, **keys: object) -> Array:
    """Return the numbers of each row, (N, columns)."""
    blocks = list(predict.predict_file(run, saved(run, x), **keys))  # type: ignore[arg-type]
    rows = [row[2:] for block in blocks for row in block.rows]  # without the number of the row and the class
    return np.array(rows, np.float64)


def pictures(count: int) -> Array:
    """Return bright images of the size of digits, easy for networks with little training."""
    return 100 * stream(0, "test:pictures").standard_normal((count, 8, 8), dtype=np.float32)


@pytest.mark.parametrize("passes", [None, 3])
@pytest.mark.parametrize("case", CASES)
def test_a_row_is_predicted_the_same_whatever_stands_beside_it(tmp_path: Path, case: str, passes: int | None) -> None:
    """In another order, in another batch and alone: the same numbers to float32 rounding."""
    run, x = train(tmp_path, *CASES[case], *FEW), pictures(20)
    keys = {"passes": passes, "all_noise": True} if passes else {}
    together = said(run, x, **keys)
    assert together.shape[0] == 20 and np.ptp(together, axis=0).max() > 0.01
    np.testing.assert_allclose(said(run, x[::-1], **keys)[::-1], together, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(said(run, x[5:17], **keys), together[5:17], rtol=1e-4, atol=1e-5)
    for row in (0, 13):
        np.testing.assert_allclose(said(run, x[[row]], **keys), together[[row]], rtol=1e-4, atol=1e-5)


def test_equal_rows_are_predicted_equally_in_every_pass(tmp_path: Path) -> None:
    """The same picture twenty times, over three batches: one answer, and the passes disagree."""
    run = train(tmp_path, *CASES["dropconnect: inference: sample"], *FEW)
    for passes in (None, 4):
        found = said(run, np.repeat(pictures(1), 20, axis=0), passes=passes)
        assert np.ptp(found, axis=0).max() < 1e-5
    assert found[0, -1] > 1e-6  # the mutual information of the passes


def test_sampled_inference_draws_from_the_seed_of_the_run() -> None:
    """Runs with equal weights and different seeds draw different noise."""

    def built(seed: int) -> Sequential:
        around = BuildContext(shape=(5,), outputs=3, examples=10, steps=10, seed=seed)
        net = Mlp(hidden=(6,)).build(DropConnect(inference="sample", samples=5), around)
        for name, parameter in net.parameters().items():
            parameter.value[...] = stream(0, f"test:{name}").standard_normal(parameter.value.shape)
        return net

    x = stream(0, "test:x").standard_normal((4, 5)).astype(np.float32)
    assert np.array_equal(built(0).forward(x), built(0).forward(x))
    assert np.abs(built(0).forward(x) - built(1).forward(x)).max() > 1e-3


class OwnDraws(Layer):
    """A layer without support for shared draws."""

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return x plus noise for every row."""
        return x if noise is None else np.asarray(x + noise[self.path].standard_normal(x.shape, dtype=x.dtype.type))

    def backward(self, dy: Array) -> Array:
        """Return dy."""
        return dy


def test_a_layer_that_knows_no_shared_draws_is_asked_row_by_row() -> None:
    """Every row begins with new generators, so the noise of all three rows is the same."""
    made = data(stream(0, "test:x").standard_normal((3, 5)))
    net = Sequential("network", [OwnDraws("own")])
    for drawn in inference.noisy_passes(net, made, made.test, seed=0, count=2, batch=3, shared=True):
        np.testing.assert_allclose(np.ptp(drawn - made.test.x, axis=0), 0, atol=1e-6)


NOISY = ("architecture={name: mlp, hidden: [16], input_noise: 0.5, hidden_noise: 0.5}",)


def test_noise_of_the_training_is_left_out_of_passes_unless_asked_for(tmp_path: Path) -> None:
    """Without dropout there is nothing to disagree about; with --mc-noise all there is."""
    run = train(tmp_path, *NOISY, "dropout=none", "training.epochs=1")
    place = str(run.path)
    done = dropout("eval", place, "--mc", "3", "--json", "--no-plots", cwd=tmp_path)
    quiet = json.loads(done.stdout)
    assert quiet["mutual_information"] < 1e-12 and len(quiet["notices"]) == 1 and "no noise" in done.stderr
    assert quiet["thinned"]["networks"][0]["accuracy"] == quiet["weight_scaling"]["accuracy"]
    done = dropout("eval", place, "--mc", "3", "--mc-noise", "all", "--json", "--no-plots", cwd=tmp_path)
    loud = json.loads(done.stdout)
    assert loud["mutual_information"] > 1e-6 and loud["mc_noise"] == "all" and "notices" not in loud
    assert (run.path / "after/eval-test-last-mc3-all-noise/metrics.json").is_file()
    np.save(tmp_path / "x.npy", pictures(4))
    for noise, disagrees in (("dropout", False), ("all", True)):
        done = dropout("predict", place, "x.npy", "--mc", "3", "--mc-noise", noise, "--json", cwd=tmp_path)
        said = json.loads(done.stdout)
        assert all((row["mutual_information"] > 1e-12) == disagrees for row in said["predictions"])
        assert ("notices" in said) != disagrees and ("no noise" in done.stderr) != disagrees
    done = dropout("eval", place, "--mc-noise", "all", cwd=tmp_path)
    assert done.returncode == 2 and "--mc T" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "variant",
    [
        "dropout={variant: inverted, rate_schedule: early}",
        "dropout={variant: dropconnect, rate_schedule: {name: early, shape: constant}}",
        "dropout={variant: dropconnect, rate: 0, masks: exact}",
        "dropout={variant: standard, rate: [0, 0]}",
        "dropout={variant: batchwise, rate: 0}",
        "dropout={variant: shakeout, rate_schedule: {name: linear, start: 0.5, end: 0}}",
        "dropout={variant: adaptive, rate: 0, min_rate: 0, low: 0, high: 1000}",
        "dropout=none",
    ],
)
def test_passes_without_noise_say_so(tmp_path: Path, variant: str) -> None:
    """In the numbers; the passes are the prediction without noise."""
    run = train(tmp_path, variant, "training.epochs=2", "training.steps_per_epoch=3")
    found = evaluate.evaluate_monte_carlo(run, 2, thinned=0, figures=False)
    assert ["all passes are identical" in text for text in found["notices"]] == [True]
    assert found["monte_carlo"]["nll"] == pytest.approx(found["weight_scaling"]["nll"], rel=1e-6)
    blocks = list(predict.predict_file(run, saved(run, pictures(3)), passes=2))
    assert ["all passes are identical" in text for text in blocks[0].notices] == [True]


@pytest.mark.parametrize("variant", ["rate: 0, input_rate: 0.2", "rate: [0, 0.3]"])
def test_passes_with_noise_say_nothing_of_it(tmp_path: Path, variant: str) -> None:
    """An input rate alone is noise, and so is a rate in one layer of two."""
    run = train(tmp_path, f"dropout={{variant: inverted, {variant}}}", "training.epochs=1")
    assert "notices" not in evaluate.evaluate_monte_carlo(run, 2, thinned=0, figures=False)

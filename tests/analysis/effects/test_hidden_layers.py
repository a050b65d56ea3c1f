"""Statistics of the hidden layers of trained networks, against networks written by hand."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis.effects.ablation import inspect_ablation
from dropout_cli.analysis.effects.filters import inspect_filters
from dropout_cli.analysis.effects.hidden_layers import count_test_examples, hidden_outputs, network_units
from dropout_cli.analysis.effects.statistics import inspect_statistics, layer_statistics
from dropout_cli.core.errors import UsageError
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Part
from dropout_cli.metrics.activation_statistics import activation_statistics, is_dead
from dropout_cli.nn.layers.network import Network
from dropout_cli.runs import Run
from dropout_cli.training import restore
from dropout_cli.training.restore import LoadedModel
from dropout_cli.training.state import Learner
from dropout_cli.variants import VARIANTS
from tests.small_run import suited, train

CNN = "architecture={name: cnn, layers: [conv 6 3x3, conv 8 3x3, pool 2, dense 16]}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run with `inverted`, two hidden layers of 16 and 12."""
    return train(tmp_path_factory.mktemp("statistics"))


def weights(model: LoadedModel, name: str) -> Array:
    """A parameter of the network, which can be changed."""
    return model.learner.network.parameters()[name].value


def scaled(model: LoadedModel, examples: int) -> Array:
    """The scaled inputs of the first test examples, (N, inputs) float64."""
    x = model.dataset.test.x[:examples] * model.dataset.scaling.scale + model.dataset.scaling.shift
    return np.asarray(x.reshape(examples, -1), np.float64)


def test_the_statistics_are_those_of_the_network_written_out(run: Run) -> None:
    """Noise is off, and the batches of the evaluation do not matter."""
    model = restore.load_model(run)
    found = layer_statistics(run, model, 200)
    y = scaled(model, 200)
    for layer in ("hidden1", "hidden2"):
        y = np.maximum(y @ weights(model, f"{layer}/W") + weights(model, f"{layer}/b"), 0)
        expected = asdict(activation_statistics(y, model.dataset.test.labels[:200]))
        assert asdict(found[layer]) == pytest.approx(expected, rel=1e-4)
    few = replace(model.experiment, training=replace(model.experiment.training, evaluation_batch=7))
    again = layer_statistics(run, replace(model, experiment=few), 200)
    assert all(asdict(again[layer]) == pytest.approx(asdict(found[layer]), rel=1e-4) for layer in found)


def test_units_that_cannot_fire_are_counted_as_dead(run: Run) -> None:
    """A bias far below 0 silences a unit; weights of 0 and a positive bias make its output constant."""
    model = restore.load_model(run)
    before = layer_statistics(run, model, 200)["hidden1"]
    one, two, three, *_ = np.flatnonzero(
        ~is_dead(hidden_outputs(network_units(run, model), model, 200)["hidden1"].values)
    )
    weights(model, "hidden1/b")[[one, two]] = -1e6
    weights(model, "hidden1/W")[:, three] = 0
    weights(model, "hidden1/b")[three] = 2
    after = layer_statistics(run, model, 200)["hidden1"]
    assert (after.dead_units, after.zero_units) == (before.dead_units + 3, before.zero_units + 2)


def test_the_order_of_the_test_examples_does_not_matter(run: Run) -> None:
    """All statistics stay, up to the last digits of float32."""
    model = restore.load_model(run)
    test, most = model.dataset.test, len(model.dataset.test)
    order = stream(0, "test").permutation(most)
    shuffled = Part(test.x[order], test.labels[order], test.rows[order])
    other = replace(model, dataset=replace(model.dataset, test=shuffled))
    one, two = layer_statistics(run, model, most), layer_statistics(run, other, most)
    for layer in one:
        assert asdict(one[layer]) == pytest.approx(asdict(two[layer]), rel=1e-4)
        assert one[layer].dead_units == two[layer].dead_units


def test_a_channel_is_a_unit_and_every_position_counts_for_zeros(tmp_path: Path) -> None:
    """Also where pooling comes between the convolution and its activation."""
    run = train(tmp_path, CNN)
    model = restore.load_model(run)
    x = scaled(model, 50).reshape(50, 8, 8, 1)
    found = hidden_outputs(network_units(run, model), model, 50)
    assert list(found) == ["conv1", "conv2", "hidden1"]
    maps = []
    for name in ("conv1", "conv2"):
        W, b = weights(model, f"{name}/W"), weights(model, f"{name}/b")
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        x = np.maximum(np.einsum("nijcab,abcf->nijf", windows, W) + b, 0)
        if name == "conv2":
            x = x.reshape(50, 4, 2, 4, 2, 8).max(axis=(2, 4))
        maps.append(x)
    for name, y in zip(("conv1", "conv2"), maps, strict=True):
        np.testing.assert_allclose(found[name].values, y.mean(axis=(1, 2)), atol=1e-5)
        assert found[name].share_of_zeros == pytest.approx(np.mean(y == 0), abs=1e-3)


@pytest.mark.parametrize("name", [name for name, _ in VARIANTS])
def test_the_hidden_layers_of_every_variant_are_found(tmp_path: Path, name: str) -> None:
    """The network without noise gives its usual outputs when its units are computed one after another."""
    run = train(tmp_path, *suited(name), "training.epochs=1")
    model = restore.load_model(run)
    units = network_units(run, model)
    hidden = [unit.name for unit in units if unit.is_hidden]
    expected = {
        "maps": ["conv1", "hidden1", "hidden2"],
        "blocks": ["stem", "block1", "block2", "block3"],
    }.get(VARIANTS[name].supports, ["hidden1", "hidden2"])
    assert hidden == expected
    x = model.dataset.test.x[:20].astype(model.learner.network.dtype)
    y = x
    for unit in units:
        y = unit.forward(y)
    np.testing.assert_array_equal(y.copy(), model.learner.network.forward(x))


def test_the_number_of_examples_has_bounds(run: Run) -> None:
    """By default all test examples are used if there are fewer than 2,000."""
    model = restore.load_model(run)
    assert count_test_examples(model, None) == 359 and count_test_examples(model, 7) == 7
    for wrong in (0, 1, 360):
        with pytest.raises(UsageError, match="must be from 2 to 359"):
            count_test_examples(model, wrong)


def test_a_network_without_hidden_layers_is_refused(run: Run) -> None:
    """The message names the architectures that have some."""
    model = restore.load_model(run)
    network = model.learner.network
    assert isinstance(network, Network)
    alone = Network("network", [layer for layer in network.layers if layer.unit in ("flatten", "output")])
    linear = replace(model, learner=Learner(alone, model.experiment.training.optimizer))
    with pytest.raises(UsageError, match="no hidden layers"):
        network_units(run, linear)


@pytest.mark.parametrize("examples", [1, 2, 20])
@pytest.mark.parametrize("weight", [None, 0.0, math.nan, 1e30])
def test_networks_without_sense_still_have_their_files(run: Run, examples: int, weight: float | None) -> None:
    """Numbers that are not defined are null, and every figure can be drawn."""
    model = restore.load_model(run)
    if weight is not None:
        weights(model, "hidden1/W")[...] = weight
    studies = [study(run, model, examples) for study in (inspect_statistics, inspect_ablation)]
    for study in (*studies, inspect_filters(run, model)):
        files = study.contents(images=True)
        assert files[f"{study.figures[0].name}.png"].startswith(b"\x89PNG")
        assert "nan" not in study.figures[0].finding and json.loads(files["results.json"])

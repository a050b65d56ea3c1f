"""Every dropout variant keeps these rules; a new one is tested without being named."""

import inspect
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.cnn import Cnn
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.architectures.resnet import Resnet
from dropout_cli.core.errors import ConfigError, Interrupted, StopRequest
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.runs import Run, all_runs
from dropout_cli.training import resume
from dropout_cli.training.loop import EpochRecord, TrainingProgress
from dropout_cli.training.run import run_experiment
from dropout_cli.training.setup import prepare
from dropout_cli.variants import VARIANTS, Variant
from tests.gradients import check_layer, read_only

NAMES = [name for name, cls in VARIANTS if cls.supports in ("vectors", "either")]
NAMES += [f"{name} on maps" for name, cls in VARIANTS if cls.supports in ("maps", "either")]
NAMES += [f"{name} on blocks" for name, cls in VARIANTS if cls.supports != "vectors"]
FLOAT64 = np.dtype(np.float64)


def on(name: str) -> str:
    """Return the kind of input it acts on: `vectors`, `maps` or `blocks`."""
    return name.partition(" on ")[2] or "vectors"


def variant(name: str) -> type[Variant]:
    """The class."""
    return VARIANTS[name.partition(" on ")[0]]


def keys_of(name: str) -> list[str]:
    """The variant's YAML keys."""
    return list(inspect.signature(variant(name)).parameters)


def make_variant(name: str) -> Variant:
    """The variant at its defaults, with noise on the input where it can have some."""
    settings: dict[str, Any] = {"input_rate": 0.2} if "input_rate" in keys_of(name) else {}
    return variant(name)(**settings)


def network(name: str, dtype: np.dtype[np.float64] | np.dtype[np.float32] = FLOAT64) -> Sequential:
    """A small network with that variant."""
    shape = (5,) if on(name) == "vectors" else (4, 4, 2)
    around = BuildContext(shape=shape, outputs=3, examples=100, steps=50, seed=7, dtype=dtype)
    chosen = make_variant(name)
    activation: Any = "selu" if chosen.suited_activation == "selu" else "tanh"  # smooth, where it can be
    if on(name) == "blocks":
        return Resnet(depth=6, widths=(2, 3), activation=activation, batch_norm=False).build(chosen, around)
    if on(name) == "maps":
        return Cnn(layers=("conv 3 3x3", "conv 2 2x2", "pool 2", "dense 4"), activation=activation).build(
            chosen, around
        )
    return Mlp(hidden=(6, 4), activation=activation).build(chosen, around)


def inputs(name: str, rows: int) -> Array:
    """A batch of standard normal inputs."""
    return stream(1, "test:x").standard_normal((rows, 5) if on(name) == "vectors" else (rows, 4, 4, 2))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_noisy_network(name: str) -> None:
    """Central differences agree to 1e-6 for x and every learned value, the noise held fixed."""
    check_layer(lambda: network(name), inputs(name, 9), noise=lambda: Noise(0, 1), train=True)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_evaluated_network(name: str) -> None:
    """Without noise the network is differentiable too."""
    check_layer(lambda: network(name), inputs(name, 9))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_stream_gives_the_same_bytes(name: str) -> None:
    """Noise is a function of seed, layer and epoch; another epoch draws other noise, if there is any."""
    x = inputs(name, 9)
    first, again, other = (network(name).forward(x, noise=Noise(0, epoch)).tobytes() for epoch in (1, 1, 2))
    assert first == again
    assert (first != other) == (variant(name) is not VARIANTS["none"])


@pytest.mark.parametrize("name", NAMES)
def test_evaluation_draws_nothing(name: str) -> None:
    """Without noise, the output is the same at every call, in training mode or not."""
    net, x = network(name), inputs(name, 9)
    first = net.forward(x).copy()
    net.forward(x, train=True, noise=Noise(0, 1))
    assert np.array_equal(net.forward(x), first)


@pytest.mark.parametrize("name", NAMES)
def test_inputs_are_left_alone_and_outputs_stand(name: str) -> None:
    """A layer writes only into arrays that it allocated; a shorter batch after a longer one is not disturbed by it."""
    net, x = network(name), inputs(name, 9)
    net.forward(read_only(x), train=True, noise=Noise(0, 1))
    fresh = network(name)
    fresh.load_state(net.state())
    short = net.forward(read_only(x[:2]), train=True, noise=Noise(0, 2)).copy()
    assert np.array_equal(fresh.forward(x[:2], train=True, noise=Noise(0, 2)), short)
    assert np.array_equal(x, inputs(name, 9))


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32(name: str) -> None:
    """Outputs, gradients of inputs and of parameters: one float64 would halve the speed of all that follows."""
    net = network(name, np.dtype(np.float32))
    y = net.forward(inputs(name, 9).astype(np.float32), train=True, noise=Noise(0, 1))
    dx = net.backward(np.ones_like(y))
    found = {y.dtype, dx.dtype, *(one.gradient.dtype for one in net.parameters().values())}
    assert found == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", NAMES)
def test_columns_keep_their_names_and_speak_of_training_alone(name: str) -> None:
    """An evaluation, noisy or not, changes no column; rates are probabilities, and realized ones 0 without noise."""
    net, x = network(name), inputs(name, 9)
    names = list(net.columns())
    net.forward(x, train=True, noise=Noise(0, 1))
    trained = net.columns()
    for noise in (None, Noise(0, 2)):
        net.forward(x[:4], noise=noise)
        assert net.columns() == trained
    net.forward(x, train=True)
    rested = net.columns()
    assert list(rested) == list(trained) == names
    assert all(0 <= value <= 1 for column, value in trained.items() if column.endswith("rate"))
    assert all(value == 0 for column, value in rested.items() if column.endswith("/realized_rate"))


@pytest.mark.parametrize("name", NAMES)
def test_a_step_leaves_no_memory_behind(name: str) -> None:
    """Memory does not grow from step to step."""
    net, x, noise = network(name), inputs(name, 64), Noise(0, 1)

    def steps(count: int) -> None:
        for _ in range(count):
            net.backward(net.forward(x, train=True, noise=noise))

    tracemalloc.start()
    try:
        steps(20)
        before = tracemalloc.get_traced_memory()[0]
        steps(200)
        assert tracemalloc.get_traced_memory()[0] - before < 10_000
    finally:
        tracemalloc.stop()


def write_config(folder: Path, name: str) -> Path:
    """A config that trains digits for four short epochs."""
    cls, file = variant(name), folder / f"{name}.yaml"
    layers = {
        "vectors": "name: mlp, hidden: [8, 8]",
        "maps": "name: cnn, layers: [conv 4 3x3, pool 2, dense 8]",
        "blocks": "name: resnet, depth: 6, widths: [2, 3]",
    }[on(name)]
    file.write_text(
        f"dataset: digits\narchitecture: {{{layers}, activation: {cls.suited_activation}}}\n"
        f"dropout: {{variant: {VARIANTS.name_of(cls)}}}\n"
        "training: {epochs: 4, steps_per_epoch: 5, save_every: every_epoch}\n"
    )
    return file


@pytest.mark.parametrize("name", NAMES)
def test_a_config_survives_yaml(name: str, tmp_path: Path) -> None:
    """A config that is written as YAML loads to an equal experiment."""
    loaded = config.load_config(write_config(tmp_path, name)).experiment
    (tmp_path / "again.yaml").write_text(config.to_yaml(loaded))
    assert config.load_config(tmp_path / "again.yaml").experiment == loaded


@pytest.mark.parametrize("name", NAMES)
def test_wrong_keys_are_refused_by_name(name: str, tmp_path: Path) -> None:
    """An unknown key, and a rate of 1 where there is a rate."""
    file = write_config(tmp_path, name)
    with pytest.raises(ConfigError, match=r"dropout\.rte"):
        config.load_config(file, ["dropout.rte=0.5"])
    for key in keys_of(name):
        if key.endswith("rate"):
            with pytest.raises(ConfigError, match=rf"dropout\.{key}.*must be (below 1|at most 0\.5), got 1\.0"):
                config.load_config(file, [f"dropout.{key}=1.0"])


def stop_after_two(event: TrainingProgress | EpochRecord) -> None:
    """Interrupt a run after its second epoch."""
    if isinstance(event, EpochRecord) and event.epoch == 2:
        raise StopRequest(130)


@pytest.mark.parametrize("name", NAMES)
def test_two_epochs_and_two_resumed_equal_four(name: str, tmp_path: Path) -> None:
    """The same metrics, predictions and weights, byte for byte."""
    loaded = config.load_config(write_config(tmp_path, name))

    def run(watch: Callable[[TrainingProgress | EpochRecord], None]) -> Run:
        made = Run.create(tmp_path / "runs", name)
        run_experiment(prepare(loaded.experiment), made, loaded.text, watch=watch, figures=False)
        return made

    whole = run(lambda event: None)
    with pytest.raises(Interrupted):
        run(stop_after_two)
    (resumed,) = [one for one in all_runs(tmp_path / "runs") if one.status == "interrupted"]
    resume.resume_run(resumed, watch=lambda event: None, figures=False)
    for file in ("metrics.csv", "predictions.npz", "checkpoints/last.safetensors"):
        assert resumed.read(file) == whole.read(file), file

"""The architecture `cnn`: its list of layers, and the network that it builds."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.cnn import PRESETS, Cnn
from dropout_cli.architectures.stages import ConvSpec, DenseSpec, PoolSpec, parse_layer
from dropout_cli.core.errors import ConfigError
from dropout_cli.nn.layers.container import leaves
from dropout_cli.nn.summary import summarize_network
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.inverted import Inverted

AROUND = BuildContext(shape=(28, 28, 1), outputs=10, examples=100, steps=10, seed=0)


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("conv 32 3x3", ConvSpec(32, (3, 3), 1, "same")),
        ("conv 8 5", ConvSpec(8, (5, 5), 1, "same")),
        ("conv  8 1x7 stride 2 valid", ConvSpec(8, (1, 7), 2, "valid")),
        ("pool 2", PoolSpec("max", 2, 2)),
        ("pool 3 stride 2", PoolSpec("max", 3, 2)),
        ("average 2", PoolSpec("average", 2, 2)),
        ("global", PoolSpec("average", 0, 1)),
        ("dense 128", DenseSpec(128)),
    ],
)
def test_items_are_read(text: str, item: object) -> None:
    """Every documented form is accepted."""
    assert parse_layer(text) == item


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("architecture.layers=[conv]", "'conv' is not a layer"),
        ("architecture.layers=[conv 0 3]", "'conv 0 3' is not a layer"),
        ("architecture.layers=[conv 8 3, pool 99]", "'pool 99' is not a layer"),
        ("architecture.layers=[pool 2, conv 8 3]", "'pool 2' comes before any convolution"),
        ("architecture.layers=[conv 8 3, dense 4, conv 8 3]", "'conv 8 3' comes after a dense layer"),
        ("architecture.layers=[dense 4]", "has no convolution. Add one"),
        (
            "architecture.layers=[conv 8 3, pool 2, conv 8 5 valid]",
            "conv2: a window of 5 does not fit into a feature map of 4",
        ),
        (
            "architecture.layers=[conv 8 3, pool 4, pool 4]",
            "conv1/pool2: a window of 4 does not fit into a feature map of 2",
        ),
        ("dataset=iris", "a convolution needs images"),
        ("dropout={variant: concrete}", "concrete works on dense layers only"),
        ("dropout.rate=[0.1, 0.2, 0.3]", "has 3 rates, but the network has 2 hidden layers"),
        ("architecture.layers=lenet", "Did you mean 'lenet5'"),
    ],
)
def test_what_cannot_be_built_is_refused_when_the_config_is_read(override: str, message: str, tmp_path: Path) -> None:
    """The layer is named."""
    file = tmp_path / "cnn.yaml"
    file.write_text("dataset: digits\narchitecture: {name: cnn}\ndropout: {variant: inverted, rate: 0.2}\n")
    with pytest.raises(ConfigError, match=message):
        config.load_config(file, [override])


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS if variant.supports == "maps"])
def test_what_needs_maps_is_refused_without_them(name: str, tmp_path: Path) -> None:
    """By name, with the way out."""
    file = tmp_path / "mlp.yaml"
    file.write_text(f"dataset: digits\ndropout: {name}\n")
    with pytest.raises(
        ConfigError, match=f"{name} works on feature maps, but mlp has none. Use .*: cnn, resnet. Or keep mlp"
    ):
        config.load_config(file)


def test_the_network_of_keras() -> None:
    """Shapes, 1,199,882 parameters, and noise at the end of the convolutional part and of the dense layer."""
    lines = summarize_network(Cnn(layers="keras_mnist").build(Inverted(rate=(0.25, 0.5)), AROUND), AROUND.shape)
    shapes = {line.path: line.shape for line in lines}
    assert shapes["conv1"] == (26, 26, 32) and shapes["conv2"] == (24, 24, 64)
    assert shapes["conv2/pool"] == (12, 12, 64) and shapes["flatten"] == (9216,)
    assert sum(line.parameters for line in lines) == 1_199_882
    assert [line.path for line in lines if line.noisy] == ["conv2/dropout", "hidden1/dropout"]


@pytest.mark.parametrize("layers", [*PRESETS, ("conv 4 3x3 stride 2", "conv 4 3x3", "average 2", "conv 4 1", "global")])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_what_is_reckoned_is_what_is_built(layers: str | tuple[str, ...], batch_norm: bool) -> None:
    """Weights, and the memory that the layers take, without building anything."""
    architecture = Cnn(layers=layers, batch_norm=batch_norm)  # type: ignore[arg-type]
    network = architecture.build(Inverted(), AROUND)
    learned = sum(one.value.size for one in network.parameters().values())
    assert architecture.count_weights(AROUND.shape, AROUND.outputs) == learned
    x = np.zeros((4, *AROUND.shape), np.float32)
    network.backward(np.ones_like(network.forward(x, train=True)))
    per_example = sum(
        buffer.size
        for layer in leaves(network)
        for name, buffer in layer._buffers.items()
        if not name.startswith(("patches", "dW", "added"))
    )
    assert per_example / 4 <= 1.5 * architecture.count_activations(AROUND.shape, AROUND.outputs)


def test_a_shared_convolution_starts_alike_whatever_the_variant() -> None:
    """So that comparing variants is a paired comparison."""
    plain, noisy = (Cnn().build(variant, AROUND) for variant in (VARIANTS["none"](), VARIANTS["spatial"]()))
    for name, parameter in plain.parameters().items():
        assert parameter.value.tobytes() == noisy.parameters()[name].value.tobytes()

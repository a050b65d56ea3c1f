"""The architecture `resnet`, and stochastic depth, which leaves out its blocks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.resnet import Resnet
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.rng import Noise, stream
from dropout_cli.nn.layers.residual import Residual
from dropout_cli.nn.summary import summarize_network
from dropout_cli.variants.none import NoDropout
from dropout_cli.variants.spatial import Spatial
from dropout_cli.variants.stochastic_depth import StochasticDepth, UncertainBlock
from tests.gradients import check_layer

AROUND = BuildContext(shape=(8, 8, 3), outputs=10, examples=100, steps=11, seed=0, dtype=np.dtype(np.float64))
X = stream(0, "test:x").standard_normal((6, 8, 8, 3))


SKIPS = 16 * 32 + 32 * 64
"""Weights of the two 1x1 convolutions where the shape changes; the paper pads with zeros there."""


@pytest.mark.parametrize(("depth", "expected"), [(20, 269_722), (32, 464_154)])
def test_depth_is_six_n_plus_two(depth: int, expected: int) -> None:
    """The parameters of He et al.'s networks for 32 x 32 colors (.27 and .46 million), and the skips."""
    around = BuildContext(shape=(32, 32, 3), outputs=10, examples=100, steps=10, seed=0)
    architecture = Resnet(depth=depth)
    network = architecture.build(NoDropout(), around)
    learned = sum(one.value.size for one in network.parameters().values())
    assert learned == expected + SKIPS == architecture.count_weights(around.shape, around.outputs)
    convolutions = [name for name in network.parameters() if name.endswith("/W") and "skip" not in name]
    assert len(convolutions) == depth


def test_maps_are_halved_from_group_to_group() -> None:
    """And noise on maps has its place at the end of each."""
    lines = summarize_network(Resnet(depth=8, widths=(4, 6, 8)).build(Spatial(rate=0.3), AROUND), AROUND.shape)
    shapes = {line.path: line.shape for line in lines}
    assert [shapes[f"group{number}/dropout"] for number in (1, 2, 3)] == [(8, 8, 4), (4, 4, 6), (2, 2, 8)]
    assert [line.path for line in lines if line.noisy] == ["group1/dropout", "group2/dropout", "group3/dropout"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("architecture.depth=9", "must be 6 n . 2 for 3 groups, such as 8; got 9"),
        ("architecture={name: resnet, depth: 20, widths: [4, 4]}", "must be 4 n . 2 for 2 groups, such as 18"),
        ("dataset=iris", "resnet needs images"),
        ("dropout={variant: concrete}", "concrete works on dense layers only, but resnet has convolutions"),
        ("architecture={name: cnn}", "stochastic_depth drops residual blocks, but cnn has none"),
        ("architecture={name: mlp}", "drops residual blocks, but mlp has none. Use architecture.name: resnet"),
    ],
)
def test_what_does_not_fit_is_refused_when_the_config_is_read(override: str, message: str, tmp_path: Path) -> None:
    """With the way out."""
    file = tmp_path / "resnet.yaml"
    file.write_text("dataset: digits\narchitecture: {name: resnet, depth: 8}\ndropout: {variant: stochastic_depth}\n")
    with pytest.raises(ConfigError, match=message):
        config.load_config(file, [override])


def uncertain(variant: StochasticDepth) -> list[UncertainBlock]:
    """Return the blocks of a small network with that variant."""
    network = Resnet(depth=14, widths=(2, 3, 4), batch_norm=False, activation="tanh").build(variant, AROUND)
    return [layer for layer in network.layers if isinstance(layer, UncertainBlock)]


def test_later_blocks_are_left_out_more_often() -> None:
    """Block l of L = 6 at l / L of the rate, and a schedule moves them all."""
    assert [block.rate for block in uncertain(StochasticDepth(rate=0.6))] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    )
    (*_, last) = uncertain(StochasticDepth(rate=0.6, rate_schedule=_linear()))
    last.set_step(5)
    assert last.rate == pytest.approx(0.3)


def _linear() -> Any:
    from dropout_cli.variants.toolkit.rate_schedules import LinearRate

    return LinearRate()


@pytest.mark.parametrize("per", ["example", "batch"])
def test_a_block_adds_its_branch_over_p_or_nothing(per: str) -> None:
    """y - skip is 0 or branch / p, for each example by itself or for the whole batch; its mean is the branch."""
    block = uncertain(StochasticDepth(rate=0.6, per=per))[-1]  # type: ignore[arg-type]
    x = stream(1, "test:x").standard_normal((6, 4, 4, 4))
    branch = block.branch.forward(x).copy()
    plain = block.forward(x).copy()
    assert np.allclose(plain, x + branch)
    draws, survived, mixed = 400, 0, 0
    for epoch in range(draws):
        added = block.forward(x, noise=Noise(0, epoch)) - x
        kept = [bool(np.allclose(one, its / 0.4, rtol=1e-3)) for one, its in zip(added, branch, strict=True)]
        assert all(keep or not one.any() for keep, one in zip(kept, added, strict=True))
        mixed += len(set(kept)) == 2
        survived += sum(kept)
    share = 1 - 0.4**6 - 0.6**6 if per == "example" else 0.0  # of batches where some are kept and some are not
    assert abs(mixed / draws - share) <= 5 * np.sqrt(share * (1 - share) / draws)
    independent = draws * (6 if per == "example" else 1)
    assert abs(survived / (6 * draws) - 0.4) <= 5 * np.sqrt(0.24 / independent)


@pytest.mark.parametrize("per", ["example", "batch"])
@pytest.mark.parametrize("epoch", [1, 2, 3, 4])
def test_the_gradient_goes_to_the_skip_and_through_what_survived(per: str, epoch: int) -> None:
    """Central differences, whether the branch is there or not."""
    x = stream(2, "test:x").standard_normal((3, 4, 4, 4))
    variant = StochasticDepth(rate=0.6, per=per)  # type: ignore[arg-type]
    check_layer(lambda: uncertain(variant)[-1], x, noise=lambda: Noise(0, epoch), train=True)


def test_a_block_that_a_whole_batch_leaves_out_is_not_computed() -> None:
    """That is what saves the paper its time: the branch is not even asked."""
    block = uncertain(StochasticDepth(rate=0.9, per="batch"))[-1]
    block.branch.forward = lambda *given, **named: pytest.fail("computed")  # type: ignore[method-assign]
    left_out = 0
    for epoch in range(20):
        noise = Noise(0, epoch)
        drawn = Noise(0, epoch)["block6/dropout"]
        from dropout_cli.variants.toolkit.masks import bernoulli

        if not bernoulli((1, 1, 1, 1), 0.9, drawn).any():
            x = np.ones((2, 4, 4, 4))
            assert np.array_equal(block.forward(x, noise=noise), x)
            assert np.array_equal(block.backward(x), x)
            assert all(not one.gradient.any() for one in block.branch.parameters().values())
            left_out += 1
    assert left_out > 5


def test_without_noise_it_is_the_plain_network() -> None:
    """Evaluation is skip + branch, with the initial weights of a network without dropout."""
    built = [Resnet(depth=8, widths=(2, 3, 4)).build(variant, AROUND) for variant in (NoDropout(), StochasticDepth())]
    assert np.array_equal(built[0].forward(X), built[1].forward(X))
    assert any(type(layer) is Residual for layer in built[0].layers)

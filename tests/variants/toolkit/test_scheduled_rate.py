"""Every layer whose rate follows a schedule does so by the same few lines."""

import pytest

from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.architectures.resnet import Resnet
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.container import Container
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.dropconnect import GaussianDropConnect
from dropout_cli.variants.toolkit.rate_schedules import LinearRate
from dropout_cli.variants.toolkit.scheduled_rate import ScheduledRate

STEPS = 11
NAMES = [name for name, cls in VARIANTS if cls().takes_rate() and cls.supports != "maps"]


def parts(layer: Layer) -> list[Layer]:
    """The layer and all parts of it."""
    inner = layer.layers if isinstance(layer, Container) else ()
    return [layer, *(one for part in inner for one in parts(part))]


@pytest.mark.parametrize("name", NAMES)
def test_a_schedule_moves_the_rate_of_every_location_that_drops(name: str) -> None:
    """From 0 at the first step to the location's own at the last; nothing is drawn at rate 0."""
    blocks = VARIANTS[name].supports == "blocks"
    architecture = Resnet(depth=8, widths=(4, 4, 4)) if blocks else Mlp()
    around = BuildContext(shape=(8, 8, 1) if blocks else (5,), outputs=3, examples=20, steps=STEPS, seed=0)
    variant = VARIANTS[name](rate=0.4, rate_schedule=LinearRate())  # type: ignore[call-arg]
    network = architecture.build(variant, around)
    places = [layer for layer in parts(network) if isinstance(layer, ScheduledRate)]
    assert places and all(layer.rate == 0 and not ScheduledRate.draws(layer) for layer in places)
    network.set_step(STEPS // 2)
    halfway = [layer.rate for layer in places]
    network.set_step(STEPS - 1)
    at_the_end = [layer.rate for layer in places]
    assert max(at_the_end) == pytest.approx(0.4) and halfway == pytest.approx([rate / 2 for rate in at_the_end])
    factors = [layer.factor for layer in places if isinstance(layer, GaussianDropConnect)]
    assert factors == pytest.approx([2 / 3] * len(factors), rel=1e-4)

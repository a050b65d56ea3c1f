"""A network that threads of Python share: every thread gets the numbers that it would get alone."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.cnn import Cnn
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.architectures.resnet import Resnet
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.backend import threads
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.optim.optimizers.adam import Adam
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.training.state import Learner
from dropout_cli.variants import VARIANTS, Variant
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.toolkit.rate_schedules import LinearRate

REPETITIONS = 40
CASES = [
    (architecture, name)
    for architecture, needs in (
        ("mlp", {"vectors", "either"}),
        ("cnn", {"maps", "either"}),
        ("resnet", {"maps", "either", "blocks"}),
    )
    for name, cls in VARIANTS
    if cls.supports in needs
]


def network(architecture: str, variant: Variant) -> Sequential:
    """A small network in float32, with batch normalization."""
    shape = (16,) if architecture == "mlp" else (8, 8, 2)
    around = BuildContext(shape=shape, outputs=3, examples=100, steps=50, seed=7)
    activation: Any = variant.suited_activation
    if architecture == "mlp":
        return Mlp(hidden=(32, 24), activation=activation, batch_norm=True).build(variant, around)
    if architecture == "cnn":
        layers = ("conv 4 3x3", "pool 2", "conv 6 3x3", "dense 16")
        return Cnn(layers=layers, activation=activation, batch_norm=True).build(variant, around)
    return Resnet(depth=6, widths=(3, 4), activation=activation).build(variant, around)


def inputs(architecture: str, number: int) -> Array:
    """Batches of different contents and lengths."""
    shape = (16,) if architecture == "mlp" else (8, 8, 2)
    return stream(number, "test:x").standard_normal((50 + 30 * number, *shape)).astype(np.float32)


def in_threads(works: list[Callable[[], list[bytes]]]) -> list[list[bytes]]:
    """Start all works at the same moment in threads and return their results."""
    begin = threading.Barrier(len(works))

    def wait_and(work: Callable[[], list[bytes]]) -> list[bytes]:
        begin.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(wait_and, works))


@pytest.mark.parametrize(("architecture", "variant"), CASES)
@pytest.mark.parametrize("noisy", [False, True], ids=["plain", "noisy"])
def test_threads_that_share_a_network_get_what_each_would_get_alone(
    architecture: str, variant: str, noisy: bool
) -> None:
    """The bytes of two threads that pass at once are those of one pass after the other, with noise and without."""
    net = network(architecture, VARIANTS[variant]())
    net.set_step(25)

    def work(number: int) -> list[bytes]:
        x = inputs(architecture, number)
        return [net.forward(x, noise=Noise(number, again) if noisy else None).tobytes() for again in range(REPETITIONS)]

    alone = [work(number) for number in (0, 1)]
    assert in_threads([lambda: work(0), lambda: work(1)]) == alone


def test_a_thread_that_predicts_does_not_disturb_the_one_that_trains() -> None:
    """Weights come out as if nobody had looked on; the other thread sees each step's rate."""

    def trained(watched: bool) -> bytes:
        net = network("mlp", VARIANTS["inverted"]())
        learner, x = Learner(net, Adam()), inputs("mlp", 0)
        labels, done = np.arange(len(x)) % 3, threading.Event()

        def look_on() -> None:
            while not done.is_set():
                net.forward(inputs("mlp", 1), noise=Noise(1, 1))

        other = threading.Thread(target=look_on)
        if watched:
            other.start()
        for step in range(60):
            learner.begin_step(1e-3)
            CrossEntropy().compute_gradients(net, x, labels, Noise(0, step))
            learner.advance(1e-3)
        done.set()
        if watched:
            other.join()
        return b"".join(value.tobytes() for value in learner.arrays().values())

    assert trained(watched=True) == trained(watched=False)


def test_a_replica_follows_weights_state_and_rates() -> None:
    """It shares parameters and state, and takes over the step that was announced since its last pass."""
    net = network("mlp", Inverted(rate_schedule=LinearRate()))
    x = inputs("mlp", 0)
    with ThreadPoolExecutor(1) as pool:
        for step in (0, 20, 49):
            net.set_step(step)
            for parameter in net.parameters().values():
                parameter.value += np.float32(0.01)
            for state in net.state().values():
                state += np.float32(0.01)
            theirs = pool.submit(lambda: net.forward(x, noise=Noise(0, 1)).tobytes()).result()
            assert theirs == net.forward(x, noise=Noise(0, 1)).tobytes()


def test_averaged_weights_stay_in_until_the_last_thread_has_done() -> None:
    """A second block within the first does not put the live weights back."""
    learner = Learner(network("mlp", VARIANTS["none"]()), Adam(), average_decay=0.9)
    learner.network.parameters()["output/b"].value += 1
    with learner.averaged() as outer:
        with learner.averaged():
            pass
        assert (outer.parameters()["output/b"].value == 0).all()
    assert (learner.network.parameters()["output/b"].value == 1).all()


def test_limits_of_threads_that_overlap_are_given_back_by_the_last() -> None:
    """The first to leave takes nothing from the other; in the end the libraries have what they had."""
    from threadpoolctl import threadpool_info

    def counts() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = counts()
    first, second = threads.limit_threads(1), threads.limit_threads(1)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert set(counts()) == {1}
    second.__exit__(None, None, None)
    assert counts() == before

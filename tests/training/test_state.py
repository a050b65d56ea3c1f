"""Averages are swapped without changing a byte; a restored learner trains the same."""

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.activations.relu import Relu
from dropout_cli.nn.backend import threads
from dropout_cli.nn.initializers import He
from dropout_cli.nn.layers.additive_noise import AdditiveNoise
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.normalization import Normalize, ScaleShift
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.optim.optimizers import Optimizer
from dropout_cli.nn.optim.optimizers.adadelta import Adadelta
from dropout_cli.nn.optim.optimizers.adam import Adam
from dropout_cli.nn.optim.optimizers.adamw import AdamW
from dropout_cli.nn.optim.optimizers.rmsprop import RmsProp
from dropout_cli.nn.optim.optimizers.sgd import Sgd
from dropout_cli.nn.optim.update import Regularization
from dropout_cli.nn.parameter import Parameter
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.training.state import Learner

FLOAT32 = np.dtype(np.float32)
REGULARIZATION = Regularization(l2=1e-3, weight_decay=1e-2, max_norm=2.0, clip_norm=1.0)
OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": Sgd(),
    "nesterov": Sgd(momentum=0.9, nesterov=True),
    "adam": Adam(),
    "adamw": AdamW(),
    "rmsprop": RmsProp(),
    "adadelta": Adadelta(),
}


class Announced(Relu):
    """Remembers the step it was told last."""

    step = -1

    def set_step(self, step: int) -> None:
        """Remember."""
        self.step = step


def learner(optimizer: Optimizer | None = None, average_decay: float | None = 0.9) -> Learner:
    """A small network with noise and batch statistics, at its start."""
    layers: list[Layer] = [
        AdditiveNoise("input", 0.1),
        Dense("hidden1", 8, 6, He(), seed=0, dtype=FLOAT32),
        Normalize("hidden1/norm", 6, dtype=FLOAT32),
        ScaleShift("hidden1/affine", 6, dtype=FLOAT32),
        Announced("hidden1/act"),
        Dense("output", 6, 3, He(), seed=0, dtype=FLOAT32),
    ]
    return Learner(Sequential("net", layers), optimizer or Adam(), REGULARIZATION, average_decay)


def train(one: Learner, epochs: int) -> None:
    """So many epochs of five steps, from where the learner stands; batches and noise are functions of the step."""
    for _ in range(epochs):
        noise = Noise(0, one.epoch + 1)
        for _ in range(5):
            rng = stream(0, "test:batch", one.step)
            x, labels = rng.standard_normal((10, 8), dtype=np.float32), rng.integers(0, 3, 10)
            one.begin_step(1e-2)
            CrossEntropy().compute_gradients(one.network, x, labels, noise)
            one.advance(1e-2)
        one.epoch += 1


def bytes_of(arrays: dict[str, Array]) -> dict[str, bytes]:
    """Name -> bytes."""
    return {name: value.tobytes() for name, value in arrays.items()}


@pytest.mark.parametrize("average_decay", [None, 0.9], ids=["no average", "average"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_a_restored_learner_goes_on_to_the_same_bytes(optimizer: Optimizer, average_decay: float | None) -> None:
    """Two epochs, a snapshot, a new learner, two more: every array has the bytes of four epochs in one go."""
    straight, first, second = (learner(optimizer, average_decay) for _ in range(3))
    train(straight, 4)
    train(first, 2)
    second.restore(first.snapshot(), epoch=first.epoch, step=first.step)
    train(second, 2)
    assert (second.epoch, second.step) == (4, 20)
    assert bytes_of(second.arrays()) == bytes_of(straight.arrays())


def test_a_learner_restores_what_it_was_before() -> None:
    """Trained on and put back, a learner holds the bytes of its snapshot, in the arrays that the network uses."""
    one = learner()
    train(one, 1)
    kept = one.snapshot()
    before = bytes_of(kept)
    train(one, 1)
    assert bytes_of(kept) == before
    assert all(bytes_of(one.arrays())[name] != value for name, value in before.items())
    one.restore(kept, epoch=1, step=5)
    assert bytes_of(one.arrays()) == before
    for name, parameter in one.network.parameters().items():
        assert parameter.value.tobytes() == before[f"parameters/{name}"]
    for name, value in one.network.state().items():
        assert value.tobytes() == before[f"state/{name}"]


def test_restoring_announces_the_last_step_taken() -> None:
    """After `restore` at step 5 layers stand at step 4, the last that was taken; before the first, at 0."""
    one = learner()
    assert isinstance(one.network, Sequential)
    told = one.network.layers[4]
    assert isinstance(told, Announced)
    one.restore(one.snapshot(), epoch=1, step=5)
    assert told.step == 4
    one.restore(one.snapshot(), epoch=0, step=0)
    assert told.step == 0


def test_the_arrays_are_everything_by_name() -> None:
    """Parameters, batch statistics, two moments per parameter of Adam's, and an average of the first two kinds."""
    names = list(learner().arrays())
    parameters = ["hidden1/W", "hidden1/b", "hidden1/affine/gamma", "hidden1/affine/beta", "output/W", "output/b"]
    live = [f"parameters/{name}" for name in parameters] + ["state/hidden1/norm/mean", "state/hidden1/norm/variance"]
    moments = {f"moments/{moment}/{name}" for moment in "mv" for name in parameters}
    assert set(names) == {*live, *moments, *(f"average/{name}" for name in live)}
    assert len(names) == len(set(names))


def test_averaged_weights_are_in_for_as_long_as_the_block_lasts() -> None:
    """Inside, the network holds the average, its statistics too; outside, live weights and average have their bytes."""
    one = learner()
    train(one, 2)
    before = bytes_of(one.arrays())
    with one.averaged() as network:
        assert network is one.network
        inside = bytes_of({f"parameters/{name}": p.value for name, p in network.parameters().items()})
        inside |= bytes_of({f"state/{name}": value for name, value in network.state().items()})
    assert inside == {name: before[f"average/{name}"] for name in inside}
    assert all(inside[name] != before[name] for name in inside)
    assert bytes_of(one.arrays()) == before


def test_live_weights_come_back_when_the_block_fails() -> None:
    """An exception inside the block leaves every array as it was."""
    one = learner()
    train(one, 1)
    before = bytes_of(one.arrays())
    with pytest.raises(ZeroDivisionError), one.averaged():
        raise ZeroDivisionError
    assert bytes_of(one.arrays()) == before


def test_without_an_average_the_block_shows_the_live_weights() -> None:
    """With `average: null` nothing is kept and nothing swapped."""
    one = learner(average_decay=None)
    train(one, 1)
    before = bytes_of(one.arrays())
    assert not any(name.startswith("average/") for name in before)
    with one.averaged():
        assert bytes_of(one.arrays()) == before


def test_looking_at_the_average_changes_no_step() -> None:
    """A learner whose averaged weights are used after each epoch ends with the bytes of one left alone."""
    watched, alone = learner(), learner()
    for _ in range(3):
        train(watched, 1)
        with watched.averaged() as network:
            network.forward(np.ones((4, 8), np.float32))
    train(alone, 3)
    assert bytes_of(watched.arrays()) == bytes_of(alone.arrays())


def test_the_average_follows_its_formula() -> None:
    """avg += (1 - min(d, (1 + t) / (10 + t))) (value - avg), t counting updates from 1, from the first weights on."""
    one = learner(average_decay=0.3)
    name = "parameters/hidden1/W"
    expected = one.arrays()[name].astype(np.float64)
    for t in range(1, 11):
        rng = stream(0, "test:batch", t)
        x, labels = rng.standard_normal((10, 8), dtype=np.float32), rng.integers(0, 3, 10)
        one.begin_step(1e-2)
        CrossEntropy().compute_gradients(one.network, x, labels, None)
        one.advance(1e-2)
        expected += (1 - min(0.3, (1 + t) / (10 + t))) * (one.arrays()[name] - expected)
    average = one.arrays()[f"average/{name}"]
    assert average.dtype == np.float32
    np.testing.assert_allclose(average, expected, rtol=1e-5, atol=1e-7)


def both_ways(regularization: Regularization) -> list[dict[str, Array]]:
    """Return the arrays of two trained learners.

    In one, momentum is applied as the gradients are added; in the other, by the update.
    """
    found = []
    for carrying in (True, False):
        layers: list[Layer] = [
            Dense("hidden1", 8, 70, He(), seed=0, dtype=np.dtype(np.float64)),
            Relu("hidden1/relu"),
            Dense("output", 70, 3, He(), seed=0, dtype=np.dtype(np.float64)),
        ]
        if not carrying:
            layers = [Plain(one) if isinstance(one, Dense) else one for one in layers]
        one = Learner(Sequential("net", layers), Sgd(momentum=0.9), regularization)
        for step in range(20):
            rng, lr = stream(0, "test:batch", step), 0.1 / (1 + step)
            x, labels = rng.standard_normal((10, 8)), rng.integers(0, 3, 10)
            one.begin_step(lr)
            CrossEntropy().compute_gradients(one.network, x, labels, None)
            one.advance(lr)
        found.append(one.arrays())
        assert any(one.grad_beta for one in one.network.parameters().values()) == (
            carrying and regularization.clip_norm is None
        )
    return found


class Plain(Layer):
    """A linear map that heeds no carry."""

    def __init__(self, linear: Dense) -> None:
        """Around that one."""
        super().__init__(linear.path)
        self._linear = linear

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """As it does."""
        return self._linear.forward(x)

    def backward(self, dy: Array) -> Array:
        """As it does."""
        return self._linear.backward(dy)

    def parameters(self) -> dict[str, Parameter]:
        """Its own."""
        return self._linear.parameters()


@pytest.mark.parametrize("divided", [False, True])
@pytest.mark.parametrize(
    "regularization",
    [Regularization(), Regularization(weight_decay=0.1, max_norm=1.0), Regularization(clip_norm=0.5)],
    ids=["plain", "decay and max-norm", "clipped"],
)
def test_a_momentum_that_takes_gradients_in_as_they_come_is_the_same(
    regularization: Regularization, divided: bool
) -> None:
    """Weights and velocities to rounding, under a learning rate that falls; with clipping it must not be done."""
    with threads.limit_threads(2, divided=divided):
        carried, plain = both_ways(regularization)
    assert list(carried) == list(plain)
    for name, value in plain.items():
        np.testing.assert_allclose(carried[name], value, rtol=1e-10, atol=1e-13, err_msg=name)


def test_a_step_with_a_learning_rate_that_was_not_announced_is_refused() -> None:
    """Its gradient has been scaled by another one already."""
    layers = [Dense("output", 8, 3, He(), seed=0, dtype=FLOAT32)]
    one = Learner(Sequential("net", layers), Sgd(momentum=0.9))
    one.begin_step(0.1)
    with pytest.raises(RuntimeError, match=r"learning rate 0\.2, but begin_step was called with 0\.1"):
        one.advance(0.2)


def test_threads_that_share_an_update_leave_the_same_bytes() -> None:
    """Every element is moved by one thread, as any other would."""

    def moved(count: int) -> dict[str, bytes]:
        layers = [Dense("output", 700, 700, He(), seed=0, dtype=FLOAT32)]
        one = Learner(Sequential("net", layers), Adam(), Regularization(l2=1e-3, weight_decay=1e-2))
        with threads.limit_threads(count):
            for step in range(3):
                for number, parameter in enumerate(one.network.parameters().values()):
                    stream(number, "test:gradient", step).standard_normal(dtype=np.float32, out=parameter.gradient)
                one.advance(1e-3)
        return bytes_of(one.arrays())

    assert moved(1) == moved(2) == moved(3)


def test_the_optimizer_counts_its_own_updates() -> None:
    """Epochs on other examples change the step of the plan, and neither the moments nor their corrections."""
    one, other = learner(), learner()
    for each in (one, other):
        train(each, 2)
    steps = other.step
    other.continue_plan(steps_per_epoch=1000)
    assert (other.step, other.updates, other.epoch) == (1000 * other.epoch, steps, one.epoch)
    for each in (one, other):
        each.begin_step(1e-3)
        each.advance(1e-3)
    assert all(np.array_equal(value, other.arrays()[name]) for name, value in one.arrays().items())

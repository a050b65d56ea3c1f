"""Adversarial and virtual adversarial training: formulas, gradients, noise, state, weights, momenta."""

import gc
import tracemalloc

import numpy as np
import pytest
from scipy import special

from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.cnn import Cnn
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.backend.noise_tables import draw_normal
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.losses import cross_entropy, log_softmax
from dropout_cli.objectives import Objective
from dropout_cli.objectives.adversarial import Adversarial
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.objectives.further_passes import scale_rows
from dropout_cli.objectives.virtual_adversarial import STREAM, VirtualAdversarial, divergence
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.inverted import Inverted
from tests.gradients import directional, read_only
from tests.objectives.test_objectives import LABELS, PERTURBATIONS_TRIED

WEIGHTS = np.array([3, 1, 2, 1, 4, 1]) / 2
NETWORKS = ["mlp", "mlp with batch statistics", "cnn"]
every_perturbation = pytest.mark.parametrize("objective", PERTURBATIONS_TRIED, ids=repr)
every_network = pytest.mark.parametrize("kind", NETWORKS)


def network(kind: str = "mlp", variant: str = "inverted", dtype: type = np.float64) -> Sequential:
    """Three logits; the examples are vectors, or maps of 6 x 6 pixels for `cnn`."""
    shape = (6, 6, 1) if kind == "cnn" else (5,)
    around = BuildContext(shape=shape, outputs=3, examples=100, steps=50, seed=7, dtype=np.dtype(dtype))
    chosen = VARIANTS[variant]()
    if kind == "cnn":
        return Cnn(layers=("conv 3 3x3", "pool 2", "dense 6"), activation="tanh").build(chosen, around)
    mlp = Mlp(hidden=(6, 4), activation="tanh", batch_norm=kind != "mlp", hidden_noise=0.1)
    return mlp.build(chosen, around)


def batch(kind: str = "mlp") -> Array:
    """Six examples, read-only."""
    return read_only(stream(1, "test:x").standard_normal((6, 6, 6, 1) if kind == "cnn" else (6, 5)))


def logits_of(net: Layer, x: Array) -> Array:
    """Logits of a training pass with the noise of the first batch after the random directions."""
    return net.forward(x, train=True, noise=Noise(0, 1)).copy()


def mean_loss(losses: Array, weights: Array | None) -> float:
    """The weighted mean."""
    return float(np.mean(losses if weights is None else weights * losses))


def unit(g: Array) -> Array:
    """Each example divided by its L2 norm."""
    norms = np.sqrt((g**2).sum(axis=tuple(range(1, g.ndim)), keepdims=True))
    return np.asarray(np.divide(g, norms, out=np.zeros_like(g), where=norms > 0))  # 0 where all units are dropped


def frozen_perturbation(objective: Objective, net: Layer, x: Array, weights: Array | None) -> tuple[Array, Array]:
    """r and p(x), computed from the formulas by passes of a network of its own."""
    logits = logits_of(net, x)
    p = special.softmax(logits, axis=1)
    if isinstance(objective, Adversarial):
        w = np.ones(6) if weights is None else weights
        g = net.backward((p - np.eye(3)[LABELS]) * w[:, None] / 6)
        return (objective.epsilon * (np.sign(g) if objective.norm == "linf" else unit(g))), p
    assert isinstance(objective, VirtualAdversarial)
    d = draw_normal(x.shape, Noise(0, 1)[STREAM], x.dtype)
    for _ in range(objective.iterations):
        q = special.softmax(logits_of(net, x + objective.xi * unit(d)), axis=1)
        d = net.backward(q - p).copy()
    return objective.epsilon * unit(d), p


def formula(objective: Objective, net: Layer, x: Array, r: Array, p: Array, weights: Array | None) -> float:
    """L with r and p(x) held constant, by SciPy."""
    rows = np.arange(6)
    clean = -special.log_softmax(logits_of(net, x), axis=1)[rows, LABELS]
    moved = special.log_softmax(logits_of(net, x + r), axis=1)
    second = -moved[rows, LABELS] if isinstance(objective, Adversarial) else special.rel_entr(p, np.exp(moved)).sum(1)
    assert isinstance(objective, Adversarial | VirtualAdversarial)
    return mean_loss(clean + objective.alpha * second, weights) + net.penalty()


def compared(objective: Objective, kind: str, variant: str, weights: Array | None) -> tuple[float, float, list[float]]:
    """The loss of the objective, that of the formula, and the errors of the gradients along five directions."""
    x, net = batch(kind), network(kind, variant)
    r, p = frozen_perturbation(objective, network(kind, variant), x, weights)
    loss = objective.compute_gradients(net, x, LABELS, Noise(0, 1), None, weights) + net.penalty()
    gradients = [one.gradient.copy() for one in net.parameters().values()]
    values = [one.value for one in net.parameters().values()]
    expected = formula(objective, net, x, r, p, weights)
    rng = stream(0, "test:directions")
    errors = [directional(lambda: formula(objective, net, x, r, p, weights), values, gradients, rng) for _ in range(5)]
    return loss, expected, errors


@every_perturbation
@every_network
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_loss_and_gradients_are_those_of_the_formula(objective: Objective, kind: str, weights: Array | None) -> None:
    """The perturbation is a constant, and so is the prediction that the divergence compares with."""
    loss, expected, errors = compared(objective, kind, "inverted", weights)
    assert loss == pytest.approx(expected, rel=1e-9)
    assert max(errors) < 1e-6


@every_perturbation
@pytest.mark.parametrize("variant", ["concrete", "variational", "sparse_variational", "gaussian", "batchwise"])
def test_a_penalty_of_the_weights_counts_once(objective: Objective, variant: str) -> None:
    """There are several backward passes, each of which adds its gradient; learned rates get theirs."""
    loss, expected, errors = compared(objective, "mlp", variant, None)
    assert loss == pytest.approx(expected, rel=1e-9)
    assert max(errors) < 1e-6


@every_perturbation
def test_the_comparison_finds_a_gradient_without_its_second_pass(
    objective: Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checker above would notice."""
    for module in ("adversarial", "virtual_adversarial"):
        monkeypatch.setattr(f"dropout_cli.objectives.{module}.add_gradients", lambda network, dlogits: None)
    assert max(compared(objective, "mlp", "inverted", None)[2]) > 1e-3


@every_perturbation
def test_a_momentum_is_shrunk_once_and_gets_all_gradients(objective: Objective) -> None:
    """gradient = .5 velocity - .25 dL/dvalue, as an optimizer with momentum asks the layers for."""
    plain, fused = network(), network()
    objective.compute_gradients(plain, batch(), LABELS, Noise(0, 1))
    for one in fused.parameters().values():
        one.gradient[...] = 3.0
        one.grad_beta, one.grad_alpha = 0.5, -0.25
    objective.compute_gradients(fused, batch(), LABELS, Noise(0, 1))
    for name, one in fused.parameters().items():
        np.testing.assert_allclose(one.gradient, 1.5 - 0.25 * plain.parameters()[name].gradient, rtol=1e-12, atol=1e-14)
        assert (one.grad_beta, one.grad_alpha) == (0.5, -0.25)


@every_perturbation
@pytest.mark.parametrize(("kind", "variant"), [(NETWORKS[1], "inverted"), ("mlp", "adaptive")])
def test_state_and_noise_move_as_in_cross_entropy(objective: Objective, kind: str, variant: str) -> None:
    """Running averages, adaptive rates and generators have seen the unperturbed pass alone."""
    nets, noises = [network(kind, variant) for _ in range(2)], [Noise(0, 1), Noise(0, 1)]
    for _ in range(3):
        objective.compute_gradients(nets[0], batch(), LABELS, noises[0])
        CrossEntropy().compute_gradients(nets[1], batch(), LABELS, noises[1])
    assert nets[1].state()
    for name, value in nets[1].state().items():
        np.testing.assert_array_equal(nets[0].state()[name], value)
    for path in noises[1]:
        assert noises[0][path].bit_generator.state["state"]["state"].tolist() == (
            noises[1][path].bit_generator.state["state"]["state"].tolist()
        )


@every_perturbation
@every_network
def test_the_same_streams_give_the_same_bytes_in_single_precision(objective: Objective, kind: str) -> None:
    """Inputs stay as they are, float32 stays float32, and other streams give other bytes."""
    x = read_only(batch(kind).astype(np.float32))
    before, found = x.tobytes(), []
    for epoch in (1, 1, 2):
        net = network(kind, dtype=np.float32)
        objective.compute_gradients(net, x, LABELS, Noise(0, epoch))
        gradients = [one.gradient for one in net.parameters().values()]
        assert {gradient.dtype for gradient in gradients} == {np.dtype(np.float32)}
        found.append(b"".join(gradient.tobytes() for gradient in gradients))
    assert x.tobytes() == before
    assert found[0] == found[1] != found[2]


@every_perturbation
def test_an_example_of_weight_0_does_not_count(objective: Objective) -> None:
    """Its values do not matter; those of the others do."""
    weights = np.array([0.0, *[1.2] * 5])

    def gradients(row: int) -> list[bytes]:
        net, x = network(), batch().copy()
        x[row] += 1
        loss = objective.compute_gradients(net, x, LABELS, Noise(0, 1), None, weights)
        return [repr(loss).encode(), *(one.gradient.tobytes() for one in net.parameters().values())]

    net = network()
    loss = objective.compute_gradients(net, batch(), LABELS, Noise(0, 1), None, weights)
    expected = [repr(loss).encode(), *(one.gradient.tobytes() for one in net.parameters().values())]
    assert gradients(0) == expected != gradients(1)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_the_perturbation_raises_the_loss_more_than_a_random_one(weights: Array | None) -> None:
    """Of equal size, for every example, whatever its weight: the direction is right."""
    net, x = network(variant="none"), batch()
    logits = net.forward(x)
    r = scale_rows(net.backward(cross_entropy(logits, LABELS, weights=weights)[1]), 0.01)
    random = scale_rows(stream(0, "test:random").standard_normal(x.shape), 0.01)
    np.testing.assert_allclose(np.linalg.norm(r, axis=1), 0.01, rtol=1e-12)
    rows = np.arange(6)
    losses = [-log_softmax(net.forward(moved))[rows, LABELS] for moved in (x + r, x + random)]
    assert (losses[0] > losses[1]).all()


def test_rows_keep_their_direction_whatever_their_size() -> None:
    """Squares below the smallest float32 are no zeros, and a row of zeros stays one."""
    rows = np.array([[3, 4], [3e-30, -4e-30], [0, 0], [3e30, 4e30]], np.float32)
    scaled = scale_rows(rows, 5.0)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, [[3, 4], [3, -4], [0, 0], [3, 4]], rtol=1e-6)


def test_divergence_is_kl_and_its_gradient() -> None:
    """KL(p || q) by SciPy, 0 for equal predictions."""
    logits = stream(1, "test:logits").standard_normal((2, 6, 3))
    logp = log_softmax(logits[0])
    loss, dlogits = divergence(logp, logits[1], WEIGHTS)
    p, q = special.softmax(logits, axis=2)
    assert loss == pytest.approx(np.mean(WEIGHTS * special.rel_entr(p, q).sum(axis=1)), rel=1e-12)
    moved, rng = logits[1].copy(), stream(0, "test:directions")
    assert directional(lambda: divergence(logp, moved, WEIGHTS)[0], [moved], [dlogits], rng) < 1e-8
    assert divergence(logp, logits[0])[0] == pytest.approx(0, abs=1e-15)


def test_alpha_0_is_cross_entropy() -> None:
    """The same loss and gradients."""
    for objective in (Adversarial(alpha=0), VirtualAdversarial(alpha=0)):
        one, other = network(), network()
        loss = objective.compute_gradients(one, batch(), LABELS, Noise(0, 1))
        assert loss == CrossEntropy().compute_gradients(other, batch(), LABELS, Noise(0, 1))
        for name, mine in one.parameters().items():
            np.testing.assert_array_equal(mine.gradient, other.parameters()[name].gradient)


def test_the_finite_difference_keeps_its_direction_in_single_precision() -> None:
    """The default xi gives the direction of float64; the paper's 1e-6 gives another one in float32."""

    def direction(xi: float, dtype: type) -> Array:
        net = network(variant="none", dtype=dtype)
        x: Array = batch().astype(dtype)
        logp = log_softmax(net.forward(x))
        d = stream(0, "test:d").standard_normal(x.shape)
        logits = net.forward(x + scale_rows(d, xi).astype(dtype))
        return scale_rows(net.backward(divergence(logp, logits)[1]).astype(np.float64), 1.0)

    exact = direction(1e-6, np.float64)
    cosines = {xi: (direction(xi, np.float32) * exact).sum(axis=1).min() for xi in (VirtualAdversarial().xi, 1e-6)}
    assert cosines[VirtualAdversarial().xi] > 0.95 > cosines[1e-6]


def test_random_directions_need_generators() -> None:
    """`noise=None` means no noise, and there is no direction without it."""
    with pytest.raises(ValueError, match="virtual_adversarial needs generators"):
        VirtualAdversarial().compute_gradients(network(), batch(), LABELS, None)


def test_no_noise_is_needed_by_adversarial() -> None:
    """Without generators, both passes are those without noise."""
    net = network(variant="none")
    loss = Adversarial(epsilon=0.5).compute_gradients(net, batch(), LABELS, None)
    assert loss > 2 * cross_entropy(network(variant="none").forward(batch()), LABELS)[0]


def test_dropout_masks_of_the_passes_are_equal() -> None:
    """At rate .5 with epsilon near 0, the divergence is near 0, which other masks would not give."""
    net = Mlp(hidden=(6,)).build(
        Inverted(rate=0.5),
        BuildContext(shape=(5,), outputs=3, examples=9, steps=5, seed=7, dtype=np.dtype(np.float64)),
    )
    noise, plain = Noise(0, 1), Noise(0, 1)
    loss = VirtualAdversarial(epsilon=1e-6).compute_gradients(net, batch(), LABELS, noise)
    assert loss == pytest.approx(CrossEntropy().compute_gradients(net, batch(), LABELS, plain), rel=1e-9)


@every_perturbation
def test_steps_leave_no_memory_behind(objective: Objective) -> None:
    """After the first steps, thirty more keep less than the bytes of one batch of perturbed inputs."""
    net, noise = network("cnn"), Noise(0, 1)
    x = np.concatenate([batch("cnn")] * 20)
    labels = np.tile(LABELS, 20)

    def steps(count: int) -> int:
        for _ in range(count):
            objective.compute_gradients(net, x, labels, noise)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = steps(3)
        assert steps(30) - before < x.nbytes
    finally:
        tracemalloc.stop()

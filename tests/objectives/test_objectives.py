"""The objectives: what they return, that they leave its gradient, and what each is by definition."""

import numpy as np
import pytest

from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.losses import cross_entropy, log_softmax, softmax
from dropout_cli.objectives import OBJECTIVES, Objective
from dropout_cli.objectives.adversarial import Adversarial
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.objectives.distillation import Distillation
from dropout_cli.objectives.gaussian_nll import GaussianNll
from dropout_cli.objectives.multi_sample import MultiSample
from dropout_cli.objectives.rdrop import RDrop, symmetric_loss
from dropout_cli.objectives.squared_error import SquaredError
from dropout_cli.objectives.virtual_adversarial import VirtualAdversarial
from dropout_cli.variants import VARIANTS, Variant
from dropout_cli.variants.batchwise import Batchwise
from dropout_cli.variants.dropconnect import DropConnect
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.none import NoDropout
from tests.gradients import directional

LABELS = np.array([0, 1, 2, 0, 1, 2])


def network(variant: Variant | None = None, outputs: int = 3) -> Sequential:
    """Five inputs, hidden layers of six and four, three logits, float64."""
    around = BuildContext(shape=(5,), outputs=outputs, examples=100, steps=50, seed=7, dtype=np.dtype(np.float64))
    return Mlp(hidden=(6, 4), activation="tanh").build(variant or Inverted(rate=0.5, input_rate=0.2), around)


def batch() -> Array:
    """Six examples."""
    return stream(1, "test:x").standard_normal((6, 5))


def soft() -> Array:
    """Soft targets of six examples."""
    return softmax(stream(1, "test:targets").standard_normal((6, 3)))


OBJECTIVES_TRIED: list[Objective] = [
    CrossEntropy(label_smoothing=0.1, confidence_penalty=0.2),
    RDrop(),
    RDrop(alpha=5.0),
    MultiSample(samples=3),
    Distillation(teacher="t", temperature=3.0, hard_weight=0.3),
    Distillation(teacher="t", temperature=1.0, hard_weight=0.0),
    CrossEntropy(class_weights=(0.5, 2.0, 1.0), label_smoothing=0.1, confidence_penalty=0.2),
    SquaredError(),
    GaussianNll(),
]
PERTURBATIONS_TRIED: list[Objective] = [
    Adversarial(epsilon=0.7, alpha=0.6),
    Adversarial(epsilon=0.1, norm="linf"),
    VirtualAdversarial(epsilon=0.7, alpha=3.0),
    VirtualAdversarial(xi=0.1, iterations=2),
]


def test_every_objective_is_tried_here() -> None:
    """A new one has to be added to the list; test_perturbations.py tries those whose loss has a part held constant."""
    tried = OBJECTIVES_TRIED + PERTURBATIONS_TRIED
    assert {OBJECTIVES.name_of(type(one)) for one in tried} == set(OBJECTIVES.names())


@pytest.mark.parametrize("objective", OBJECTIVES_TRIED, ids=repr)
@pytest.mark.parametrize("variant", ["inverted", "concrete", "variational"])
def test_learn_leaves_the_gradients_of_its_loss(objective: Objective, variant: str) -> None:
    """Central differences along random directions agree to 1e-6 for every parameter, learned rates included."""
    chosen, regression = VARIANTS[variant](), objective.task == "regression"
    labels = stream(1, "test:y").standard_normal((6, 4 // objective.outputs_per_target)) if regression else LABELS

    def learn(values: dict[str, Array] | None = None) -> tuple[float, Sequential]:
        net = network(chosen, outputs=4 if regression else 3)
        for name, value in (values or {}).items():
            net.parameters()[name].value[...] = value
        loss = objective.compute_gradients(net, batch(), labels, Noise(0, 1), soft())
        return loss + net.penalty(), net

    _, net = learn()
    values = {name: one.value.copy() for name, one in net.parameters().items()}
    gradients = [one.gradient.copy() for one in net.parameters().values()]
    rng = stream(0, "test:directions")
    errors = [directional(lambda: learn(values)[0], list(values.values()), gradients, rng) for _ in range(5)]
    assert max(errors) < 1e-6


def test_rdrop_is_its_formula() -> None:
    """CE1 + CE2 + alpha / 2 (KL(p1 || p2) + KL(p2 || p1)), each a mean over the batch, written out."""
    logits, alpha = stream(1, "test:logits").standard_normal((12, 3)), 1.7
    one, other = log_softmax(logits[:6]), log_softmax(logits[6:])
    expected = -(one + other)[np.arange(6), LABELS].mean()
    expected += alpha / 2 * (np.exp(one) * (one - other) + np.exp(other) * (other - one)).sum(axis=1).mean()
    assert symmetric_loss(logits, LABELS, alpha)[0] == pytest.approx(expected, rel=1e-12)


def test_rdrop_with_alpha_zero_is_the_sum_of_two_cross_entropies() -> None:
    """Loss and gradient; so twice those of cross_entropy where both passes are the same."""
    logits = stream(1, "test:logits").standard_normal((12, 3))
    loss, dlogits = symmetric_loss(logits, LABELS, 0.0)
    parts = [cross_entropy(logits[rows], LABELS) for rows in (slice(0, 6), slice(6, 12))]
    assert loss == pytest.approx(parts[0][0] + parts[1][0], rel=1e-13)
    np.testing.assert_allclose(dlogits, np.concatenate([parts[0][1], parts[1][1]]), rtol=1e-12)
    plain, doubled = network(NoDropout()), network(NoDropout())
    once = CrossEntropy().compute_gradients(plain, batch(), LABELS, None)
    assert RDrop(alpha=3.0).compute_gradients(doubled, batch(), LABELS, None) == pytest.approx(2 * once, rel=1e-12)
    for name, one in plain.parameters().items():
        np.testing.assert_allclose(doubled.parameters()[name].gradient, 2 * one.gradient, rtol=1e-9, atol=1e-14)


def test_rdrop_draws_noise_of_its_own_for_each_copy() -> None:
    """The two predictions of an example differ."""
    net, x = network(), batch()
    logits = net.forward(np.concatenate([x, x]), train=True, noise=Noise(0, 1))
    assert not np.any(np.all(logits[:6] == logits[6:], axis=1))


def test_multi_sample_is_the_mean_of_losses_over_masks_of_the_last_features() -> None:
    """Not the loss of the mean logits; the trunk's noise is drawn once."""
    samples, noise = 4, Noise(0, 1)
    parts = network().split_at_dropout()
    assert parts is not None
    trunk, head = parts
    assert [layer.path for layer in head.layers] == ["hidden2/dropout", "output"]
    features = trunk.forward(batch(), train=True, noise=noise)
    logits = head.forward(np.concatenate([features] * samples), train=True, noise=noise).reshape(samples, 6, 3)
    expected = np.mean([cross_entropy(one, LABELS)[0] for one in logits])
    loss = MultiSample(samples=samples).compute_gradients(network(), batch(), LABELS, Noise(0, 1))
    assert loss == pytest.approx(expected, rel=1e-12)
    assert loss != pytest.approx(cross_entropy(logits.mean(axis=0), LABELS)[0], rel=1e-3)


def test_one_sample_is_cross_entropy() -> None:
    """S = 1: the same noise, the same loss, the same gradients."""
    one, other = network(), network()
    assert MultiSample(samples=1).compute_gradients(
        one, batch(), LABELS, Noise(0, 1)
    ) == CrossEntropy().compute_gradients(other, batch(), LABELS, Noise(0, 1))
    for name, mine in one.parameters().items():
        np.testing.assert_allclose(mine.gradient, other.parameters()[name].gradient, rtol=1e-12)


@pytest.mark.parametrize(
    ("objective", "variant", "reason"),
    [
        (RDrop(), Batchwise(), "noise of its own for every row"),
        (MultiSample(), Batchwise(), "noise of its own for every row"),
        (MultiSample(), NoDropout(), "noise before the logits"),
        (MultiSample(), DropConnect(), "noise before the logits"),
        (MultiSample(), Inverted(rate=(0.5, 0.0)), "noise before the logits"),
    ],
)
def test_impossible_pairs_are_refused_with_what_would_do(objective: Objective, variant: Variant, reason: str) -> None:
    """The message names a variant that works."""
    with pytest.raises(ValueError, match=rf"{reason}.*such as inverted"):
        objective.check(variant)


def test_distillation_is_its_formula() -> None:
    """T^2 CE(target, softmax(z / T)) + w CE(labels)."""
    T, w = 3.0, 0.3
    logits = network(NoDropout()).forward(batch())
    expected = -(T**2) * (soft() * log_softmax(logits / T)).sum(axis=1).mean() + w * cross_entropy(logits, LABELS)[0]
    objective = Distillation(teacher="t", temperature=T, hard_weight=w)
    assert objective.compute_gradients(network(NoDropout()), batch(), LABELS, None, soft()) == pytest.approx(
        expected, rel=1e-12
    )


def test_teachers_are_averaged_as_probabilities() -> None:
    """The mean of their softmax(z / T), which the softmax of mean logits is not."""
    logits = stream(1, "test:logits").standard_normal((2, 6, 3)) * 3
    target = Distillation(teacher="t", temperature=2.0).soften(iter(logits))
    np.testing.assert_allclose(target, (softmax(logits[0] / 2) + softmax(logits[1] / 2)) / 2, rtol=1e-13)
    assert np.abs(target - softmax(logits.mean(axis=0) / 2)).max() > 0.01


def test_at_a_high_temperature_it_matches_logits() -> None:
    """The soft gradient tends to (z_s - z_t) / C per example, both centered (Hinton et al. 2015, section 2.1)."""
    teacher, T = stream(1, "test:logits").standard_normal((6, 3)), 1e4
    objective = Distillation(teacher="t", temperature=T, hard_weight=0.0)
    net, x = network(NoDropout()), batch()
    objective.compute_gradients(net, x, LABELS, None, objective.soften([teacher]))
    logits = net.forward(x)
    difference = logits - teacher
    expected = (difference - difference.mean(axis=1, keepdims=True)) / 3 / len(x)
    np.testing.assert_allclose(net.parameters()["output/b"].gradient, expected.sum(axis=0), rtol=1e-3, atol=1e-6)

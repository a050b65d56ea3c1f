"""The value that each objective minimizes, with and without noise; class weights; defaults; refusals."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from scipy import special, stats

from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.core.registry import UnknownName
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.flatten import Flatten
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.objectives import OBJECTIVES, Objective
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.objectives.distillation import Distillation
from dropout_cli.objectives.gaussian_nll import GaussianNll
from dropout_cli.objectives.multi_sample import MultiSample
from dropout_cli.objectives.rdrop import RDrop, symmetric_loss
from dropout_cli.objectives.squared_error import SquaredError
from dropout_cli.variants.adaptive import Adaptive
from dropout_cli.variants.batchwise import Batchwise
from dropout_cli.variants.inverted import Inverted

N, C = 6, 4
LABELS = np.array([0, 1, 2, 3, 1, 2])
QUANTITIES = stream(1, "test:y").standard_normal((N, C))
X = stream(1, "test:x").standard_normal((N, 5))
SOFT = special.softmax(stream(1, "test:targets").standard_normal((N, C)), axis=1)
WEIGHTS = (0.5, 2.0, 1.0, 3.0)


def network(outputs: int = C) -> Sequential:
    """Noise on every layer's input and batch statistics, float64."""
    around = BuildContext(shape=(5,), outputs=outputs, examples=100, steps=50, seed=7, dtype=np.dtype(np.float64))
    mlp = Mlp(hidden=(6, 5), activation="tanh", batch_norm=True)
    return mlp.build(Inverted(rate=0.5, input_rate=0.2), around)


def as_logits() -> Sequential:
    """A network that puts out what it is given."""
    return Sequential("network", [Flatten("flatten")])


def entropies(logits: Array, targets: Array) -> Array:
    """-sum_c t_c ln p_c of each example."""
    return np.asarray(-(targets * special.log_softmax(logits, axis=1)).sum(axis=1))


def onehot(labels: Array) -> Array:
    """(n, C)."""
    return np.eye(C)[labels]


def cross_entropy_loss(logits: Array) -> float:
    """Weights times (cross-entropy with smoothed targets - .2 entropy), smoothing .1."""
    targets = 0.9 * onehot(LABELS) + 0.1 / C
    entropy = stats.entropy(special.softmax(logits, axis=1), axis=1)
    return float((np.array(WEIGHTS)[LABELS] * (entropies(logits, targets) - 0.2 * entropy)).mean())


def rdrop_loss(logits: Array) -> float:
    """Two cross-entropies and 2.5 / 2 times both divergences, by SciPy."""
    both = [special.softmax(one, axis=1) for one in np.split(logits, 2)]
    divergences = stats.entropy(both[0], both[1], axis=1) + stats.entropy(both[1], both[0], axis=1)
    return float(2 * entropies(logits, onehot(np.tile(LABELS, 2))).mean() + 2.5 / 2 * divergences.mean())


def distillation_loss(logits: Array) -> float:
    """9 CE(soft targets, softmax(z / 3)) + .3 CE(labels)."""
    return float(9 * entropies(logits / 3, SOFT).mean() + 0.3 * entropies(logits, onehot(LABELS)).mean())


def gaussian_loss(outputs: Array) -> float:
    """The mean of -ln N(y; m, softplus(s) + 1e-6)."""
    sd = np.sqrt(np.logaddexp(0, outputs[:, C:]) + 1e-6)
    return float(-stats.norm(outputs[:, :C], sd).logpdf(QUANTITIES).mean())


FORMULAS = {
    "cross_entropy": (
        CrossEntropy(label_smoothing=0.1, confidence_penalty=0.2, class_weights=WEIGHTS),
        cross_entropy_loss,
    ),
    "rdrop": (RDrop(alpha=2.5), rdrop_loss),
    "distillation": (Distillation(teacher="t", temperature=3.0, hard_weight=0.3), distillation_loss),
    "squared_error": (SquaredError(), lambda outputs: float(((QUANTITIES - outputs) ** 2).mean())),
    "gaussian_nll": (GaussianNll(), gaussian_loss),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_loss_is_the_formula_of_the_noisy_pass_in_training_mode(name: str) -> None:
    """Written out with SciPy; without the noise, or with the statistics of evaluation, it would be another number."""
    objective, formula = FORMULAS[name]
    labels = LABELS if objective.task == "classification" else QUANTITIES
    x = np.concatenate([X, X]) if name == "rdrop" else X
    outputs = C * objective.outputs_per_target
    loss = objective.compute_gradients(network(outputs), X, labels, Noise(0, 1), SOFT)
    assert loss == pytest.approx(formula(network(outputs).forward(x, train=True, noise=Noise(0, 1))), rel=1e-12)
    assert loss != pytest.approx(formula(network(outputs).forward(x, train=False, noise=Noise(0, 1))), rel=1e-3)
    assert loss != pytest.approx(formula(network(outputs).forward(x, train=True)), rel=1e-3)


def test_multi_sample_takes_the_features_of_training_mode() -> None:
    """The mean of S cross-entropies of the features under batch statistics, and with the trunk's one noise."""
    parts = network().split_at_dropout()
    assert parts is not None
    trunk, head = parts
    features = trunk.forward(X, train=True, noise=Noise(0, 1))
    noise = Noise(0, 1)
    logits = head.forward(np.tile(features, (3, 1)), train=True, noise=noise)
    expected = entropies(logits, onehot(np.tile(LABELS, 3))).mean()
    assert MultiSample(samples=3).compute_gradients(network(), X, LABELS, Noise(0, 1)) == pytest.approx(
        expected, rel=1e-12
    )


def test_multi_sample_lets_the_last_noise_adapt() -> None:
    """The pass through the head is one of training, too: a rate that adapts moves."""
    around = BuildContext(shape=(5,), outputs=C, examples=100, steps=50, seed=7, dtype=np.dtype(np.float64))
    net = Mlp(hidden=(6, 5), activation="tanh").build(Adaptive(low=10.0, high=20.0), around)
    before = {path: value.copy() for path, value in net.state().items()}
    MultiSample(samples=3).compute_gradients(net, X, LABELS, Noise(0, 1))
    assert any(path.startswith("hidden2/") for path in before)
    assert all(np.all(net.state()[path] != value) for path, value in before.items())


def test_equal_examples_have_the_loss_of_one_to_the_last_bit() -> None:
    """The mean over a float32 batch is taken in float64, where sums of a few float32 numbers are exact."""
    logits, label, soft = X[:2, :C].astype(np.float32), LABELS[:1], SOFT[:1].astype(np.float32)
    distillation = Distillation(teacher="t", hard_weight=0.0)
    for n in range(1, 40):
        pairs = np.repeat(logits, n, axis=0)
        for alpha in (0.0, 1.0):
            assert symmetric_loss(pairs, np.repeat(label, n), alpha)[0] == symmetric_loss(logits, label, alpha)[0]
        once, repeated = (
            distillation.compute_gradients(
                as_logits(), np.repeat(logits[:1], k, axis=0), np.repeat(label, k), None, soft
            )
            for k in (1, n)
        )
        assert repeated == once


def test_rdrop_keeps_float32() -> None:
    """Its gradient has the dtype of the logits."""
    assert symmetric_loss(X.astype(np.float32), LABELS[:3], 1.0)[1].dtype == np.float32


def test_balanced_weights_count_classes_alike() -> None:
    """n / (classes that occur * n_c), scikit-learn's rule; a class without examples takes no part."""
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([0] * 6 + [1] * 3 + [2])
    asked = CrossEntropy(class_weights="balanced", label_smoothing=0.1)
    found = asked.with_class_weights(labels, ["a", "b", "c"])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert found == CrossEntropy(class_weights=tuple(expected.tolist()), label_smoothing=0.1)
    assert isinstance(found.class_weights, tuple) and {type(one) for one in found.class_weights} == {float}
    absent = asked.with_class_weights(labels, ["a", "b", "c", "d"]).class_weights
    assert isinstance(absent, tuple) and absent[:3] == found.class_weights and len(absent) == 4
    assert np.mean(np.array(absent)[labels]) == pytest.approx(1), "the mean weight of an example is 1"


def test_given_weights_stay_and_their_number_must_fit() -> None:
    """The error for a wrong number lists the names of at most ten classes."""
    labels = np.array([0, 1])
    plain, given = CrossEntropy(), CrossEntropy(class_weights=(1.0, 2.0))
    assert plain.with_class_weights(labels, ["a", "b", "c"]) == plain
    assert given.with_class_weights(labels, ["a", "b"]) == given
    with pytest.raises(
        ValueError, match=r"^class_weights: 2 numbers for 3 classes \(a, b, c\). Give one for each class$"
    ):
        given.with_class_weights(labels, ["a", "b", "c"])
    for count, said in ((10, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"), (11, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...")):
        with pytest.raises(ValueError, match=rf"for {count} classes \({said}\). Give one for each class$"):
            given.with_class_weights(labels, [str(one) for one in range(count)])


def test_balanced_is_a_wish_until_the_labels_are_known() -> None:
    """Until the labels are known, every example has the weight 1."""
    logits = X[:, :C]
    assert CrossEntropy(class_weights="balanced").compute_gradients(as_logits(), logits, LABELS, None) == pytest.approx(
        entropies(logits, onehot(LABELS)).mean()
    )


def test_distillation_needs_targets_and_names_its_teachers() -> None:
    """One folder or several."""
    with pytest.raises(ValueError, match=r"^distillation needs the teachers' targets$"):
        Distillation(teacher="t").compute_gradients(network(), X, LABELS, Noise(0, 1))
    assert Distillation(teacher="runs/a").teachers == ("runs/a",)
    assert Distillation(teacher=("a", "b")).teachers == ("a", "b")


def test_soft_targets_are_float64() -> None:
    """Float32 logits are divided by T and exponentiated in float64; the rows are distributions."""
    logits = (5 * X[:, :C]).astype(np.float32)
    found = Distillation(teacher="t", temperature=2.0).soften([logits])
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, special.softmax(logits.astype(np.float64) / 2, axis=1), rtol=1e-14)


@pytest.mark.parametrize(("objective", "name"), [(RDrop(), "rdrop"), (MultiSample(), "multi_sample")])
def test_the_refusal_names_the_objective(objective: Objective, name: str) -> None:
    """The line begins with the name in the YAML."""
    with pytest.raises(ValueError, match=f"^{name} needs noise of its own"):
        objective.check(Batchwise())


def test_a_key_left_out_has_its_documented_value() -> None:
    """T = 4 and w = .1; S = 8 (Inoue 2019); alpha = 1; no smoothing, penalty or weights."""
    expected = {
        "cross_entropy": {"label_smoothing": 0.0, "confidence_penalty": 0.0, "class_weights": None},
        "distillation": {
            "teacher": "t",
            "temperature": 4.0,
            "hard_weight": 0.1,
            "teacher_passes": 0,
            "teacher_noise": "dropout",
            "fingerprint": None,
        },
        "gaussian_nll": {},
        "multi_sample": {"samples": 8},
        "rdrop": {"alpha": 1.0},
        "squared_error": {"target_precision": None},
        "adversarial": {"epsilon": 1.5, "alpha": 1.0, "norm": "l2"},
        "virtual_adversarial": {"epsilon": 2.0, "alpha": 1.0, "xi": 0.01, "iterations": 1},
    }
    teacher = {"distillation": {"teacher": "t"}}
    made = {name: cls(**teacher.get(name, {})) for name, cls in OBJECTIVES}
    assert {name: vars(one) for name, one in made.items()} == expected


@pytest.mark.parametrize("name", OBJECTIVES.names())
def test_an_objective_is_frozen_and_made_by_keywords(name: str) -> None:
    """No code can change it during a run, and a new key does not move the others."""
    cls = OBJECTIVES[name]
    assert dataclasses.is_dataclass(cls)
    objective = Distillation(teacher="t") if name == "distillation" else cls()
    assert hash(objective) == hash(dataclasses.replace(objective))
    assert all(field.kw_only for field in dataclasses.fields(cls))
    with pytest.raises(dataclasses.FrozenInstanceError):
        objective.anything = 1


def test_objectives_are_found_by_name_from_a_fresh_start() -> None:
    """The first lookup imports them; a wrong name is answered with the nearest."""
    code = "from dropout_cli.objectives import OBJECTIVES; print(*OBJECTIVES.names())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "adversarial",
        "cross_entropy",
        "distillation",
        "gaussian_nll",
        "multi_sample",
        "rdrop",
        "squared_error",
        "virtual_adversarial",
    ]
    with pytest.raises(UnknownName, match=r"unknown objective 'rdropp'. Did you mean 'rdrop'\?"):
        OBJECTIVES["rdropp"]

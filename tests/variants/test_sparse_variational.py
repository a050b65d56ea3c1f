"""Sparse variational dropout: the divergence, the moments, the gradient with its second term, what is cut."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.nn.initializers import Glorot
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.variants import Location
from dropout_cli.variants.sparse_variational import (
    SMALLEST,
    SparseLinear,
    SparseVariational,
    sparse_kl,
    sparse_kl_slope,
)
from tests.gradients import check_layer

PLACE = Location(path="a", kind="hidden", index=0, count=1, fan_in=4, examples=50, steps=100, steps_per_epoch=2)


def layer(step: int = 99, spread: float = 2.0) -> SparseLinear:
    """Four inputs, three outputs, with ln sigma^2 of every size, at a step of the run; by default past the warm-up."""
    linear = Dense("a", 4, 3, Glorot(bias_sd=0.3), seed=0, dtype=np.dtype(np.float64))
    made = SparseLinear(SparseVariational(), linear, PLACE)
    made.log_variance.value[...] = -2 + spread * stream(0, "test:variance").standard_normal((4, 3))
    made.set_step(step)
    return made


def inputs(rows: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A batch."""
    return stream(1, "test:x").standard_normal((rows, 4))


def test_some_weights_here_are_cut_and_some_are_not() -> None:
    """Or the tests below would say nothing."""
    assert 0 < layer().kept().sum() < 12


def test_gradients_hold_with_all_terms() -> None:
    """x, W, b and ln sigma^2, at full weight of the KL; noise on and off; also where the clip acts."""
    for spread in (2.0, 6.0):
        make = partial(layer, spread=spread)
        check_layer(make, inputs(9), noise=lambda: Noise(0, 1), train=True)
        check_layer(make, inputs(9))


def test_without_its_second_term_the_gradient_of_w_is_wrong() -> None:
    """The KL alone moves W, by -2 g W / (W^2 + 1e-8)."""
    made = layer()
    made.forward(inputs(9))
    made.gradients(np.zeros((9, 3)))
    W, la = made.linear.W, made.log_alpha()
    g = sparse_kl_slope(la) / 50 * (np.abs(la) < 8)
    np.testing.assert_allclose(W.gradient, -2 * g * W.value / (W.value**2 + SMALLEST), rtol=1e-12)
    assert np.abs(W.gradient).max() > 1e-3


def test_z_has_the_moments_of_noisy_weights() -> None:
    """Mean x W' + b, variance (x^2)(sigma^2) + 1e-8 with the cut weights' sigma^2 in it; 10^6 examples of one x."""
    draws, made = 10**6, layer()
    x = inputs(1)
    z = made.forward(np.repeat(x, draws, axis=0), noise=Noise(0, 0))
    mean = (x @ (made.linear.W.value * made.kept()) + made.linear.b.value)[0]
    variance = (x**2 @ np.exp(made.log_variance.value))[0] + 1e-8
    assert np.all(np.abs(z.mean(axis=0) - mean) < 5 * np.sqrt(variance / draws))
    squares = (z - mean) ** 2
    assert np.all(np.abs(squares.mean(axis=0) - variance) < 5 * squares.std(axis=0) / math.sqrt(draws))


def test_evaluation_leaves_out_what_is_cut() -> None:
    """z = x W' + b with W' = 0 where la >= 3, and all of W where nothing is cut."""
    made, x = layer(), inputs(5)
    la = made.log_variance.value - np.log(made.linear.W.value**2 + SMALLEST)
    expected = x @ np.where(la >= 3, 0, made.linear.W.value) + made.linear.b.value
    np.testing.assert_allclose(made.forward(x), expected, rtol=1e-12)
    made.pruned = False
    np.testing.assert_allclose(made.forward(x), x @ made.linear.W.value + made.linear.b.value, rtol=1e-12)


def test_the_divergence_falls_as_alpha_rises_and_its_slope_is_its_derivative() -> None:
    """Towards 0 as ln alpha grows: a weight that is all noise costs nothing."""
    la = np.linspace(-8, 8, 2001)
    kl = sparse_kl(la)
    assert np.all(np.diff(kl) < 0) and 0 <= kl[-1] < 1e-3
    h = 1e-5
    np.testing.assert_allclose(
        (sparse_kl(la + h) - sparse_kl(la - h)) / (2 * h), sparse_kl_slope(la), rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize(("epoch", "weight"), [(0, 0), (4, 0), (5, 0), (6, 1 / 15), (19, 14 / 15), (20, 1), (40, 1)])
def test_the_divergence_is_warmed_up(epoch: int, weight: float) -> None:
    """0 through epoch 4, (epoch - 5) / 15 to epoch 19, then 1; whole at every step of an epoch."""
    full = layer(step=1000).penalty()
    for step in (2 * epoch, 2 * epoch + 1):
        assert layer(step=step).penalty() == pytest.approx(weight * full, rel=1e-12)


def test_the_penalty_is_summed_over_weights_and_divided_by_the_examples() -> None:
    """(1 / N) sum KL, la clipped to +-8."""
    made = layer(spread=6.0)
    la = made.log_variance.value - np.log(made.linear.W.value**2 + SMALLEST)
    assert made.penalty() == pytest.approx(sparse_kl(np.clip(la, -8, 8)).sum() / 50, rel=1e-12)


def test_the_report_counts_weights_and_scores_both_ways() -> None:
    """Sparsity, compression, and accuracy with and without what is cut; the network is left as it was."""
    made = layer()
    scored: list[bool] = []

    def judge() -> tuple[str, float]:
        scored.append(made.pruned)
        return "accuracy", float(made.pruned)

    report = SparseVariational().report(Sequential("net", [made]), judge)
    kept = int(made.kept().sum())
    assert report["kept"] == kept and report["weights"] == 12
    assert report["compression"] == 12 / kept
    assert report["sparsity"] == {"a": 1 - kept / 12, "overall": 1 - kept / 12}
    assert (report["accuracy_pruned"], report["accuracy_unpruned"]) == (1.0, 0.0)
    assert scored == [True, False] and made.pruned


def test_a_training_that_ended_before_the_divergence_counted_is_warned_of_once() -> None:
    """By the layer of the logits alone, and only while the weight of the KL is 0."""
    hidden, output = layer(step=0), layer(step=0)
    output._location = replace(PLACE, kind="output")
    assert hidden.warnings() == []
    assert [text.partition(":")[0] for text in output.warnings()] == ["dropout.kl_from"]
    output.set_step(12)
    assert output.warnings() == []


def test_the_column_is_the_share_of_weights_that_are_cut() -> None:
    """Where la >= 3."""
    made = layer()
    la = made.log_variance.value - np.log(made.linear.W.value**2 + SMALLEST)
    assert made.columns() == {"a/dropout/sparsity": pytest.approx(np.mean(la >= 3))}


def test_without_a_warm_up_the_divergence_counts_in_full_from_its_first_epoch_on() -> None:
    """With `kl_warmup: 0`: nothing before epoch `kl_from`, and all of it from there."""
    linear = Dense("a", 4, 3, Glorot(bias_sd=0.3), seed=0, dtype=np.dtype(np.float64))
    made = SparseLinear(SparseVariational(kl_from=3, kl_warmup=0), linear, PLACE)
    made.set_step(5)
    assert made.penalty() == 0
    made.set_step(6)
    assert made.penalty() == pytest.approx(sparse_kl(np.clip(made.log_alpha(), -8, 8)).sum() / 50, rel=1e-12)

"""Several passes taken together, against SciPy's entropies and at the extremes."""

import numpy as np
import pytest
from scipy import special, stats

from dropout_cli.core.rng import stream
from dropout_cli.metrics import monte_carlo


@pytest.mark.parametrize("passes", [1, 2, 7])
def test_the_passes_have_scipys_entropies(passes: int) -> None:
    """Means, entropies, and the mutual information as the mean Kullback-Leibler divergence from the mean."""
    logits = stream(passes, "test").normal(0, 2, (passes, 10, 4))
    p = special.softmax(logits, axis=2)
    found = monte_carlo.aggregate_passes(iter(logits))
    mean = p.mean(axis=0)
    np.testing.assert_allclose(found.probabilities, mean, rtol=1e-12)
    np.testing.assert_allclose(found.geometric_mean, special.softmax(logits.mean(axis=0), axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.predictive_entropy, stats.entropy(mean, axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.expected_entropy, stats.entropy(p, axis=2).mean(axis=0), rtol=1e-12)
    divergence = special.rel_entr(p, mean).sum(axis=2).mean(axis=0)
    np.testing.assert_allclose(found.mutual_information, divergence, rtol=1e-9, atol=1e-14)
    mode = stats.mode(logits.argmax(axis=2), axis=0).count
    np.testing.assert_allclose(found.variation_ratio, 1 - mode / passes, atol=1e-15)


def test_a_class_that_no_pass_can_name_adds_nothing() -> None:
    """0 ln 0 is 0: passes that are sure of the same class have no entropy of any kind."""
    found = monte_carlo.aggregate_passes([np.array([[2e4, 0.0, 0.0]])] * 3)
    assert found.probabilities.tolist() == found.geometric_mean.tolist() == [[1, 0, 0]]
    assert found.predictive_entropy[0] == found.expected_entropy[0] == found.mutual_information[0] == 0
    assert found.variation_ratio[0] == 0


def test_passes_in_float32_are_summed_in_float64() -> None:
    """The numbers are those of the same logits in float64, to the last bit."""
    logits = stream(0, "test").normal(0, 2, (5, 6, 3)).astype(np.float32)
    single, double = monte_carlo.aggregate_passes(logits), monte_carlo.aggregate_passes(logits.astype(np.float64))
    for name, one in vars(single).items():
        assert one.dtype == np.float64
        assert one.tobytes() == vars(double)[name].tobytes()
    assert (single.mutual_information >= 0).all()

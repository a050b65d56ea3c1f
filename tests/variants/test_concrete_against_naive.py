"""Concrete dropout keeps dropping on digits; its naive form drifts to no dropout.

The naive form has neither scaling nor penalty.
"""

import pytest

from tests.acceptance.concrete_naive import SEEDS, keep_probabilities


@pytest.mark.parametrize("seed", SEEDS)
def test_the_naive_form_drifts_to_no_dropout_and_concrete_does_not(seed: int) -> None:
    """From the same start, keep .9: at both hidden places naive ends at .97 or above, concrete at .92 or below."""
    naive, concrete = keep_probabilities("concrete_naive", seed), keep_probabilities("concrete", seed)
    for place in ("hidden 1", "hidden 2"):
        assert naive[place][-1] >= 0.97, place
        assert concrete[place][-1] <= 0.92, place

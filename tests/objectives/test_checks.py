"""Properties of objectives, and the variants and networks that they refuse."""

import inspect
from dataclasses import is_dataclass

import numpy as np
import pytest

from dropout_cli.core.rng import Noise
from dropout_cli.nn.layers.flatten import Flatten
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.objectives import OBJECTIVES
from dropout_cli.objectives.multi_sample import MultiSample
from dropout_cli.objectives.rdrop import RDrop
from dropout_cli.variants.batchwise import Batchwise
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.none import NoDropout


def test_objectives_are_frozen_and_take_keys_by_name() -> None:
    """They are configurations: nothing that trains changes one, and a new key may stand anywhere."""
    for _, cls in OBJECTIVES:
        assert is_dataclass(cls) and getattr(cls, "__dataclass_params__").frozen  # noqa: B009
        kinds = {parameter.kind for parameter in inspect.signature(cls).parameters.values()}
        assert kinds <= {inspect.Parameter.KEYWORD_ONLY}, cls


def test_squared_error_alone_needs_the_precision_of_the_noise_stated() -> None:
    """Cross-entropy and the Gaussian likelihood are likelihoods as they stand."""
    assert {name for name, cls in OBJECTIVES if cls.is_squared_error} == {"squared_error"}


def test_rdrop_compares_passes_that_differ() -> None:
    """It takes noise of a variant or of the architecture, one draw per row, and refuses what draws none."""
    RDrop().check(Inverted(rate=0.5))
    RDrop().check(NoDropout(), other_noise=True)
    RDrop().check(Inverted(rate=0.0), other_noise=True)
    for silent in (NoDropout(), Inverted(rate=0.0)):
        with pytest.raises(ValueError, match="there is no noise: they would be equal"):
            RDrop().check(silent)
    with pytest.raises(ValueError, match="rdrop needs noise of its own"):
        RDrop().check(Batchwise(rate=0.5))


def test_multi_sample_refuses_a_network_without_dropout() -> None:
    """There is nothing to repeat."""
    network = Sequential("network", [Flatten("flatten")])
    with pytest.raises(ValueError, match="multi_sample needs a network with dropout"):
        MultiSample().compute_gradients(network, np.zeros((2, 3)), np.zeros(2, int), Noise(0, 1))

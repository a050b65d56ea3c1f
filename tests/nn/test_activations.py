"""An activation is one file: config, networks and initial weights learn of it from the registry."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli import nn
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.architectures.units import UnitArchitecture
from dropout_cli.core.fields import describe_fields, field_docs
from dropout_cli.core.registry import UnknownName
from dropout_cli.nn.activations import ACTIVATIONS, Activation
from dropout_cli.nn.initializers import INITIALIZERS, Glorot, Initializer


def test_every_activation_has_a_file_of_its_name() -> None:
    """And every file has an activation."""
    files = {path.stem for path in (Path(str(nn.__file__)).parent / "activations").glob("*.py")}
    assert files - {"__init__", "base"} == set(ACTIVATIONS.names())


@pytest.mark.parametrize("name", ACTIVATIONS.names())
def test_an_activation_says_how_the_weights_below_it_start(name: str) -> None:
    """The help of `initializer` names each that is not Glorot."""
    cls = ACTIVATIONS[name]
    assert issubclass(cls, Activation) and isinstance(cls.initializer, Initializer)
    said = field_docs(UnitArchitecture)["initializer"].split("auto: ")[1].split(", glorot otherwise")[0]
    listed = {INITIALIZERS.name_of(type(one.initializer)) for _, one in ACTIVATIONS} - {"glorot"}
    assert (name in said) == (cls.initializer != Glorot()) and all(one in said for one in listed)


@pytest.mark.parametrize("name", ACTIVATIONS.names())
def test_a_monotone_activation_never_falls(name: str) -> None:
    """Gelu does, below 0; so max pooling may not come before it."""
    y = ACTIVATIONS[name]("act").forward(np.linspace(-8, 8, 2001).reshape(-1, 1))
    assert bool((np.diff(y[:, 0]) >= 0).all()) == ACTIVATIONS[name].monotone


def test_a_config_may_name_every_registered_activation_and_no_other() -> None:
    """Nobody starts with weights that were meant for another."""
    (key,) = (key for key in describe_fields(UnitArchitecture) if key["name"] == "activation")
    assert key["allowed"].split(" | ") == ACTIVATIONS.names()
    with pytest.raises(UnknownName, match="unknown activation 'swish'"):
        Mlp(activation="swish")._initializer("swish")

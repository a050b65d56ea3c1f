"""An activation is one file: config, networks and initial weights learn of it from the registry."""

import re
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import nn
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.architectures.units import UnitArchitecture
from dropout_cli.core.field_types import describe_fields, field_docs
from dropout_cli.core.registry import UnknownName
from dropout_cli.nn.activations import ACTIVATIONS, Activation
from dropout_cli.nn.initializers import INITIALIZERS, Initializer


def test_every_activation_has_a_file_of_its_name() -> None:
    """And every file has an activation."""
    files = {path.stem for path in (Path(str(nn.__file__)).parent / "activations").glob("*.py")}
    assert files - {"__init__", "base"} == set(ACTIVATIONS.names())


@pytest.mark.parametrize("name", ACTIVATIONS.names())
def test_an_activation_says_how_the_weights_below_it_start(name: str) -> None:
    """It is a class attribute, an initializer."""
    assert issubclass(ACTIVATIONS[name], Activation) and isinstance(ACTIVATIONS[name].initializer, Initializer)


def test_the_help_of_the_initializer_is_true_of_every_activation_that_it_names() -> None:
    """And it names each initializer that an activation asks for; a new activation need not be in it."""
    (listed,) = re.findall(r"\((.*)\)", field_docs(UnitArchitecture)["initializer"])
    found: dict[str, str] = {}
    for part in listed.split("; "):
        initializer, _, names = part.partition(" for ")
        found |= dict.fromkeys(re.split(", | and ", names), initializer)
    own = {name: INITIALIZERS.name_of(type(cls.initializer)) for name, cls in ACTIVATIONS}
    assert found.items() <= own.items() and set(found.values()) == set(own.values())


@pytest.mark.parametrize("name", ACTIVATIONS.names())
def test_a_monotone_activation_never_falls(name: str) -> None:
    """Gelu does, below 0; so max pooling may not come before it. A learned one may come to fall."""
    layer = ACTIVATIONS[name]("act", dtype=np.dtype(float))
    y = layer.forward(np.linspace(-8, 8, 2001).reshape(-1, 1))
    never_falls = bool((np.diff(y[:, 0]) >= 0).all())
    assert never_falls if ACTIVATIONS[name].monotone else not never_falls or layer.parameters()


def test_a_config_may_name_every_registered_activation_and_no_other() -> None:
    """Nobody starts with weights that were meant for another."""
    (key,) = (key for key in describe_fields(UnitArchitecture) if key["name"] == "activation")
    assert key["allowed"].split(" | ") == ACTIVATIONS.names()
    with pytest.raises(UnknownName, match="unknown activation 'swish'"):
        Mlp(activation="swish")._initializer("swish")

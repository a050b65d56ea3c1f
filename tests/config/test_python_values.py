"""Settings as Python values are checked like a file's, and named as their caller names them."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pytest

from dropout_cli.config import GivenValue, Training, build_from_values
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.registry import Choice
from dropout_cli.variants import VARIANTS, Variant
from dropout_cli.variants.gaussian import Gaussian


@dataclass(frozen=True, kw_only=True)
class Few:
    """A part of an experiment."""

    dropout: Annotated[Variant, Choice(VARIANTS)]
    training: Training


def build(**values: Any) -> Few:
    """Build from `dropout__rate=.5` and the like."""
    given = {"dropout__variant": "gaussian", "training__epochs": 3} | values
    named = (GivenValue(key.replace("__", "."), value, key.rpartition("_")[2]) for key, value in given.items())
    few: Few = build_from_values(Few, named, "Few")
    return few


def test_numbers_of_numpy_and_sequences_are_values() -> None:
    """They are those of the field afterwards."""
    few = build(training__epochs=np.int64(7), dropout__rate=np.array([0.25, 0.5]))
    assert few.training.epochs == 7 and type(few.training.epochs) is int
    assert few.dropout == Gaussian(rate=(0.25, 0.5))


def test_all_mistakes_are_named_as_the_caller_does() -> None:
    """One line each, with the way out of the config's messages."""
    with pytest.raises(ConfigError) as caught:
        build(training__epochs=0, dropout__rate=1.5, dropout__variant="gausian", training__average=object())
    lines = str(caught.value).splitlines()
    assert "epochs=0: must be at least 1, got 0." in lines
    assert any(
        line.startswith("variant='gausian': unknown variant 'gausian'. Did you mean 'gaussian'?") for line in lines
    )
    assert any(line.startswith("average=<object object at") for line in lines)


def test_a_mapping_is_a_block() -> None:
    """Its keys are checked, too."""
    assert build(dropout__rate_schedule={"name": "linear"}).dropout != build().dropout
    with pytest.raises(
        ConfigError, match=r"schedule=\{'name': 'linear', 'too': 1\}: dropout\.rate_schedule\.too: unknown"
    ):
        build(dropout__rate_schedule={"name": "linear", "too": 1})

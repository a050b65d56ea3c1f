"""The names of columns and of learned parameters are formats: files and checkpoints have them."""

import inspect
import re
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from dropout_cli import config
from dropout_cli.core.registry import Registry
from dropout_cli.nn.layers.base import Layer
from dropout_cli.runs.noise_columns import noise_column
from dropout_cli.training.setup import prepare
from dropout_cli.variants import VARIANTS, toolkit
from dropout_cli.variants.shakeout import Shakeout
from dropout_cli.variants.toolkit.rate_schedules import RATE_SCHEDULES
from tests.small_run import CONFIG, suited

HIDDEN, MAPS, LINEAR = ("hidden1", "hidden2"), ("conv1", "hidden1", "hidden2"), ("hidden1", "hidden2", "output")
BLOCKS = ("block1", "block2", "block3")
BOTH = ("rate", "realized_rate")
COLUMNS = {
    "adaptive": (HIDDEN, BOTH),
    "alpha": (HIDDEN, BOTH),
    "batchwise": (HIDDEN, BOTH),
    "concrete": (LINEAR, ("rate",)),
    "concrete_naive": (LINEAR, ("rate",)),
    "dropblock": (MAPS, BOTH),
    "dropconnect": (HIDDEN, ("rate",)),
    "gaussian": (HIDDEN, ("rate",)),
    "inverted": (HIDDEN, BOTH),
    "none": ((), ()),
    "shakeout": (("hidden2", "output"), BOTH),
    "sparse_variational": (LINEAR, ("sparsity",)),
    "spatial": (MAPS, BOTH),
    "standard": (HIDDEN, BOTH),
    "standout": (HIDDEN, ("realized_rate",)),
    "stochastic_depth": (BLOCKS, BOTH),
    "variational": (LINEAR, ("alpha",)),
}
"""Variant -> where it has columns, and which."""
LEARNED = {
    "concrete": "theta",
    "concrete_naive": "theta",
    "sparse_variational": "log_variance",
    "variational": "log_alpha",
}
"""Variant -> what each of its linear maps learns beside weights and biases."""


def network(tmp_path: Path, name: str, *overrides: str) -> Layer:
    """A small network with that variant."""
    (tmp_path / "small.yaml").write_text(CONFIG)
    return prepare(config.load_config(tmp_path / "small.yaml", [*suited(name), *overrides]).experiment).learner.network


def test_every_variant_of_a_release_stays() -> None:
    """A new one has its names in a test of its own."""
    assert set(COLUMNS) <= set(VARIANTS.names())


@pytest.mark.parametrize("registry", [VARIANTS, RATE_SCHEDULES], ids=["variants", "rate schedules"])
def test_variants_and_rate_schedules_are_frozen_and_take_keys_by_name(registry: Registry[Any]) -> None:
    """Layers that share one cannot change it, it can be a key, and a new key may stand anywhere."""
    for _, cls in registry:
        variant = cls()
        with pytest.raises(FrozenInstanceError):
            variant.anything = 0
        assert hash(variant) == hash(cls())
        kinds = {parameter.kind for parameter in inspect.signature(cls).parameters.values()}
        assert kinds <= {inspect.Parameter.KEYWORD_ONLY}, cls


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_named_by_place_and_quantity(name: str, tmp_path: Path) -> None:
    """As `metrics.csv` has them."""
    places, quantities = COLUMNS[name]
    expected = {f"{place}/dropout/{quantity}" for place in places for quantity in quantities}
    assert set(network(tmp_path, name).columns()) == expected


@pytest.mark.parametrize("name", COLUMNS)
def test_a_variant_that_learns_declares_which_columns_follow(name: str, tmp_path: Path) -> None:
    """Columns of its own, each a rate from 0 to 1; a variant that learns nothing declares none."""
    made = network(tmp_path, name)
    columns, learned = made.columns(), made.learned_columns()
    assert (VARIANTS[name].learns is not None) == bool(learned)
    assert learned.keys() <= columns.keys() and not any("realized" in column for column in learned)
    assert all(0 <= rate(columns[column]) <= 1 for column, rate in learned.items())


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_of_a_variant_has_a_kind_by_its_stored_name(name: str, tmp_path: Path) -> None:
    """A figure of an older run is drawn from the names alone."""
    places, quantities = COLUMNS[name]
    found = [noise_column(column) for column in network(tmp_path, name).columns()]
    assert {(one.unit, one.quantity) for one in found if one} == {(p, q) for p in places for q in quantities}
    assert None not in found and noise_column("train_loss") is noise_column("rate") is None


@pytest.mark.parametrize("name", COLUMNS)
def test_what_a_variant_learns_is_a_parameter(name: str, tmp_path: Path) -> None:
    """One per linear map; the others learn weights and biases alone."""
    made = network(tmp_path, name).parameters()
    found = {path for path in made if "/dropout/" in path}
    assert found == ({f"{place}/dropout/{LEARNED[name]}" for place in LINEAR} if name in LEARNED else set())


@pytest.mark.parametrize("name", ["shakeout", "inverted", "gaussian", "standard"])
def test_a_place_without_dropout_has_no_columns_of_it(name: str, tmp_path: Path) -> None:
    """Rate 0, throughout."""
    assert network(tmp_path, name, "dropout.rate=0").columns() == {}


def test_an_adaptive_rate_is_told_as_it_stands(tmp_path: Path) -> None:
    """Also where it was loaded."""
    made = network(tmp_path, "adaptive")
    made.load_state({path: value * 0 + 0.25 for path, value in made.state().items()})
    assert {value for path, value in made.columns().items() if path.endswith("/rate")} == {0.25}


def test_shakeout_is_before_the_logits_where_the_last_hidden_layer_has_a_rate() -> None:
    """The rate of the last layer decides, not that of the first."""
    assert Shakeout(rate=(0.0, 0.5)).noise_before_logits() and not Shakeout(rate=(0.5, 0.0)).noise_before_logits()


def test_the_toolkit_imports_no_variant() -> None:
    """A variant is one file: what all variants share works without any of them."""
    folder = Path(toolkit.__file__).parent
    imported = re.findall(r"from dropout_cli\.variants\.(\w+)", "".join(p.read_text() for p in folder.glob("*.py")))
    assert imported and not set(imported) & set(VARIANTS.names())

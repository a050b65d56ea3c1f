"""Bundled and made sources, and the line from a source to a dataset."""

import os
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest

from dropout_cli.core import field_types
from dropout_cli.core.errors import DataError
from dropout_cli.data import DATASETS, BatchReader, Examples, Source, load_dataset
from dropout_cli.data.catalog import list_datasets
from dropout_cli.data.loading import compute_fingerprint
from dropout_cli.data.sources.synthetic import Spirals

LOCAL = ["blobs", "breast_cancer", "diabetes", "digits", "iris", "linear", "moons", "spirals", "wine"]
FILES = ["arrays", "cifar10", "cifar100", "fashion_mnist", "image_folder", "mnist", "openml", "table", "uci"]
MADE = ["blobs", "linear", "moons", "spirals"]


def made(name: str, **keys: Any) -> Examples:
    """Return the data of the source of that name with these keys."""
    return DATASETS[name](**keys).read()


@pytest.mark.parametrize("name", LOCAL)
def test_a_source_is_what_its_facts_say(name: str) -> None:
    """Number, shape and classes in the catalogue are those of the data, and the arrays keep the contract."""
    cls = DATASETS[name]
    examples = cls().read()
    assert cls.info[:3] == (len(examples.x), examples.x.shape[1:], len(examples.classes))
    assert examples.x.dtype in (np.uint8, np.float32)
    assert examples.labels.dtype == (np.float64 if examples.target_names else np.intp)
    assert examples.target_names or np.array_equal(np.unique(examples.labels), np.arange(len(examples.classes)))
    assert len(examples.columns) in (0, examples.x.shape[-1])


@pytest.mark.parametrize("name", LOCAL)
def test_loading_gives_parts_that_point_back_to_the_source(name: str) -> None:
    """Each part holds the source's rows that it names, C-contiguous and read-only."""
    source = DATASETS[name]()
    examples, dataset = source.read(), load_dataset(source)
    assert dataset.name == name and dataset.shape == examples.x.shape[1:]
    for part in (dataset.train, dataset.val, dataset.test):
        assert part is not None
        assert np.array_equal(part.x, examples.x[part.rows])
        assert np.array_equal(part.labels, examples.labels[part.rows])
        for array in (part.x, part.labels, part.rows):
            assert array.flags.c_contiguous and not array.flags.writeable


@pytest.mark.parametrize("scaling", ["unit", "standardize"])
def test_scaling_is_fitted_on_train_only(scaling: Any) -> None:
    """The scaled train part has exact bounds or moments; the whole of the data, scaled alike, has not."""
    source = DATASETS["wine"](scaling=scaling)
    dataset, examples = load_dataset(source), source.read()
    x, _ = BatchReader(dataset, dataset.train, len(dataset.train)).take(slice(None))
    everything = examples.x * dataset.scaling.scale + dataset.scaling.shift
    if scaling == "unit":
        assert np.allclose([x.min(axis=0), x.max(axis=0)], [[0] * 13, [1] * 13], atol=1e-5)
        assert everything.max() > 1.01
    else:
        assert np.allclose(x.mean(axis=0), 0, atol=1e-4) and np.allclose(x.std(axis=0), 1, atol=1e-4)
        assert np.abs(everything.mean(axis=0)).max() > 0.01


def test_a_fingerprint_is_a_function_of_the_data_alone() -> None:
    """Split and scaling leave it alone; one changed value, label, dtype or shape changes it."""
    examples = DATASETS["iris"]().read()
    found = compute_fingerprint(examples)
    assert load_dataset(DATASETS["iris"](split_seed=3, scaling="none", val_fraction=0.0)).fingerprint == found
    x, labels = examples.x.copy(), examples.labels.copy()
    x[0, 0] += 1
    labels[0] = 2
    changed = [
        replace(examples, x=x),
        replace(examples, labels=labels),
        replace(examples, x=examples.x.view(np.int32)),
        replace(examples, x=examples.x.reshape(150, 2, 2, 1)),
    ]
    assert len({found, *map(compute_fingerprint, changed)}) == 5
    assert compute_fingerprint(replace(examples, x=np.asfortranarray(examples.x))) == found


def test_the_fingerprint_of_iris_is_the_same_everywhere() -> None:
    """It depends on neither the machine nor the process: run folders rely on it for years."""
    assert (
        load_dataset(DATASETS["iris"]()).fingerprint
        == "5457ff5fe28b3c86f5fc1ac7fb112dad2ac6aa435493e47ef48172b914a55d7c"
    )


def test_other_data_than_those_of_the_fingerprint_are_refused() -> None:
    """A fingerprint that fits passes; another is a data error with both beginnings."""
    found = load_dataset(DATASETS["iris"]()).fingerprint
    assert load_dataset(DATASETS["iris"](fingerprint=found)).fingerprint == found
    with pytest.raises(DataError) as caught:
        load_dataset(DATASETS["wine"](fingerprint=found))
    (problem,) = caught.value.problems
    assert problem.place == "dataset.fingerprint" and problem.way_out
    assert found[:12] in problem.fact and load_dataset(DATASETS["wine"]()).fingerprint[:12] in problem.fact


@pytest.mark.parametrize("name", MADE)
def test_made_data_are_a_function_of_their_seed(name: str) -> None:
    """The data seed, and it alone, decides what is drawn."""
    first, same, other = (
        compute_fingerprint(made(name)),
        compute_fingerprint(made(name, split_seed=5)),
        compute_fingerprint(made(name, data_seed=1)),
    )
    assert first == same != other


@pytest.mark.parametrize("name", MADE)
def test_made_data_have_as_many_examples_as_asked_for(name: str) -> None:
    """`examples` is kept to the number, and classes differ in size by one at most."""
    examples = made(name, examples=101)
    labels = examples.labels
    if examples.target_names:
        assert labels.shape == (101, 1)
        return
    sizes = np.bincount(labels)
    assert sizes.sum() == 101 and sizes.max() - sizes.min() <= 1


def test_spirals_follow_their_equation() -> None:
    """Without noise, the angle of a point is 2 pi (turns r + class / classes)."""
    source = Spirals(noise=0.0, classes=3, turns=2.0)
    examples = source.read()
    x = examples.x.astype(np.float64)
    radius = np.hypot(*x.T)
    angle = 2 * np.pi * (2.0 * radius + examples.labels / 3)
    assert radius.max() <= 1 and np.allclose(np.cos(angle) * radius, x[:, 0], atol=1e-5)


def test_the_keys_of_blobs_shape_them() -> None:
    """Classes, features and noise are those asked for."""
    examples = made("blobs", examples=5000, classes=5, features=7, noise=0.5)
    assert examples.x.shape == (5000, 7) and len(examples.classes) == 5
    spread = np.concatenate([examples.x[examples.labels == label].std(axis=0) for label in range(5)])
    # The standard error of a standard deviation from 1000 draws is sigma / sqrt(2 * 1000).
    assert np.abs(spread - 0.5).max() < 5 * 0.5 / np.sqrt(2000)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    """A NaN or infinity in the data is an error before anything is trained."""
    x = np.zeros((5, 2), np.float32)
    x[3, 1] = value
    with pytest.raises(DataError, match=r"example 3 .* not a finite"):
        Examples(x, np.zeros(5, np.intp), ("only",))


def test_every_key_is_documented() -> None:
    """Each field of each source has a docstring below its declaration."""
    for name, cls in DATASETS:
        documented = field_types.field_docs(cls)
        assert [field.name for field in fields(cls) if field.name not in documented] == [], name


def test_sources_are_frozen() -> None:
    """A config cannot change after it was checked."""
    source: Source = DATASETS["iris"]()
    with pytest.raises(FrozenInstanceError):
        source.split_seed = 1  # type: ignore[misc]


def test_the_catalogue_lists_every_dataset_without_reading_any() -> None:
    """Names, facts and a line each; neither scikit-learn nor SciPy is imported for it."""
    rows = list_datasets()
    assert [row["name"] for row in rows] == sorted([*LOCAL, *FILES])
    assert all(
        row["about"].endswith(".")
        and row["origin"]
        and (row["examples"] or "your" in row["origin"] or row["name"] in ("openml", "uci"))
        for row in rows
    )
    code = (
        "import sys; from dropout_cli.data.catalog import list_datasets\n"
        "list_datasets(); print('sklearn' in sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout == "False\n"

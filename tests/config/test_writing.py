"""An experiment written as YAML, as a template and as a JSON Schema."""

import json
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_cli.config import Experiment, bundled_configs, config_template, json_schema, load_config, to_dict, to_yaml
from dropout_cli.config.document import parse_yaml
from dropout_cli.config.editor_schema import editor_schema
from dropout_cli.config.error_collector import ConfigSource, ErrorCollector
from dropout_cli.config.validate import node_value
from dropout_cli.config.writing import dump_yaml, to_commented_yaml
from dropout_cli.core.field_types import field_docs

CONFIGS = Path(__file__).parents[2] / "configs"


def reread(text: str) -> Any:
    """The plain value of a YAML text."""
    mistakes = ErrorCollector()
    tree = parse_yaml(text, ConfigSource("c.yaml", Path()), mistakes)
    mistakes.raise_if_any()
    assert tree is not None
    return node_value(tree)


def experiment(folder: Path, text: str) -> Experiment:
    """The experiment in a file of that text."""
    path = folder / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path).experiment


FULL = """
dataset: {name: moons, scaling: standardize}
architecture: {hidden: [8, 16], initializer: {name: normal}}
dropout: {variant: gaussian, rate: [0.1, 1e-5], rate_schedule: {name: linear, start: 1e-17}}
training:
  {optimizer: {name: sgd, momentum: 0.9}, average: {decay: 0.5}, early_stopping: {patience: 3}, save_every: 1e21}
seed: 123456789012345678901234567890
"""


@pytest.mark.parametrize("text", ["dataset: iris\n", FULL])
def test_an_experiment_written_as_yaml_loads_as_the_same_experiment(tmp_path: Path, text: str) -> None:
    """So resolved.yaml can be trained again; a second writing gives the same text."""
    made = experiment(tmp_path, text)
    again = experiment(tmp_path, to_yaml(made))
    assert again == made
    assert to_yaml(again) == to_yaml(made)


def test_a_dict_has_every_key_with_the_tag_first_and_survives_json(tmp_path: Path) -> None:
    """In the order of declaration, so that equal experiments give equal text."""
    made = experiment(tmp_path, FULL)
    values = to_dict(made)
    assert list(values) == [field.name for field in fields(Experiment)]
    assert list(values["dropout"]) == ["variant", *(field.name for field in fields(made.dropout))]  # type: ignore[arg-type]
    assert values["architecture"]["hidden"] == [8, 16]
    assert json.loads(json.dumps(values)) == values


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists))
@settings(deadline=None)
def test_every_value_reads_back_as_it_was_written(value: object) -> None:
    """Text that looks like a number keeps its quotes, and 1e-05 stays a number."""
    again = reread(dump_yaml({"key": value}))["key"]
    assert again == value
    assert repr(again) == repr(value)


@pytest.mark.parametrize(
    "text", ["1e-3", "no", "010", "0x1F", "null", "", "a: b", "- x", "\x85", "é\u2028\x85\x7f", "😀", "<<"]
)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    """Such texts survive as values and as keys."""
    assert reread(dump_yaml({"a": text, text: 1}))["a"] == text


def test_an_annotated_experiment_is_every_key_with_its_meaning_and_loads(tmp_path: Path) -> None:
    """Every documented key has a comment above it."""
    made = experiment(tmp_path, FULL)
    text = to_commented_yaml(made)
    assert experiment(tmp_path, text) == made
    for name, meaning in field_docs(type(made.training)).items():
        assert f"  {name}:" in text
        assert meaning.split(";")[0][:60] in text


def test_the_template_starts_from_the_bundled_digits(tmp_path: Path) -> None:
    """`config init` prints an experiment that is known to work."""
    assert experiment(tmp_path, config_template()) == load_config(bundled_configs()["digits"]).experiment


def test_every_key_of_the_experiment_says_what_it_means() -> None:
    """The docstring below a field is its help text, in the template and in editors."""

    def undocumented(cls: type) -> list[str]:
        return [field.name for field in fields(cls) if field.name not in field_docs(cls)]

    from dropout_cli.config import Average, EarlyStopping, Training
    from dropout_cli.config.declarations import block_keys

    choices = [cls for key in block_keys(Experiment).values() if key.registry for _, cls in key.registry]
    classes = [Experiment, Training, EarlyStopping, Average, *filter(is_dataclass, choices)]
    assert {cls.__name__: undocumented(cls) for cls in classes if undocumented(cls)} == {}


VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def test_the_schema_is_a_schema() -> None:
    """It is valid under the draft that it names."""
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_bundled_config_loads_and_fits_the_schema(path: Path) -> None:
    """The editor and the loader agree."""
    loaded = load_config(path)
    VALIDATOR.validate(reread(loaded.text.decode()))
    VALIDATOR.validate(to_dict(loaded.experiment))


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        "dataset: iris",
        "dataset: {name: iris}\ndropout: gaussian\ntraining: {optimizer: sgd}",
        "extends: other.yaml\ndropout: {rate: 0.5}\ndataset: {val_fraction: 0.1}",
        "dataset: iris\ntraining: {optimizer: {beta1: 0.5}, early_stopping: null, threads: 2}",
        "dataset: iris\narchitecture: {initializer: he}",
    ],
)
def test_what_loads_fits_the_schema(text: str) -> None:
    """Bare names, blocks without a tag, `extends`, null: no false alarm in the editor."""
    VALIDATOR.validate(reread(text))


@pytest.mark.parametrize(
    "text",
    [
        "seed: 1",
        "dataset: irsi",
        "dataset: {name: irsi}",
        "dataset: {val_fraction: 2}",
        "dataset: iris\nsede: 1",
        "dataset: iris\nseed: -1",
        "dataset: iris\nseed: '1'",
        "dataset: iris\ndropout: {variant: inverted, rate: 1.0}",
        "dataset: iris\ndropout: {variant: inverted, rte: 0.1}",
        "dataset: iris\ndropout: {variant: none, rate: 0.1}",
        "dataset: iris\ndropout: {variant: inverted, rate_schedule: {name: linear, strat: 0.1}}",
        "dataset: iris\ndropout: {rte: 0.1}",
        "dataset: iris\narchitecture: {hidden: []}",
        "dataset: iris\ntraining: {epochs: 1.5}",
        "dataset: iris\ntraining: {average: {decay: 1}}",
        "dataset: iris\ntraining: null",
    ],
)
def test_the_schema_shows_what_the_loader_refuses(text: str) -> None:
    """Names, closed objects, types and bounds."""
    assert not VALIDATOR.is_valid(reread(text))


def test_a_key_with_a_path_is_text_in_the_schema() -> None:
    """Marks of our own are no part of a JSON Schema."""

    @dataclass(frozen=True)
    class Root:
        """A root."""

        folder: Path | None = None

    assert editor_schema(Root)["properties"]["folder"]["anyOf"][0]["type"] == "string"

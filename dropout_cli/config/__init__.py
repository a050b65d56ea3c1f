"""Config files: YAML to a frozen, typed `Experiment` and back.

Unknown keys are refused, and all mistakes are reported at once, each with its place.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dropout_cli.config.document import Node
from dropout_cli.config.editor_schema import editor_schema
from dropout_cli.config.error_collector import ErrorCollector
from dropout_cli.config.example import example_config
from dropout_cli.config.files import bundled_configs, find_config
from dropout_cli.config.meanings import key_meanings
from dropout_cli.config.merge import read_layers
from dropout_cli.config.python_values import GivenValue, build_from_values
from dropout_cli.config.schema import Average, EarlyStopping, Experiment, Training
from dropout_cli.config.validate import add_reasons, build_block
from dropout_cli.config.writing import flatten, to_commented_yaml, to_dict, to_plain, to_yaml

__all__ = [
    "Average",
    "EarlyStopping",
    "Experiment",
    "GivenValue",
    "LoadedConfig",
    "Training",
    "build_from_values",
    "bundled_configs",
    "config_template",
    "example_config",
    "explain_config",
    "find_config",
    "flatten",
    "json_schema",
    "load_config",
    "to_dict",
    "to_plain",
    "to_yaml",
]


@dataclass(frozen=True)
class LoadedConfig:
    """A config after reading and validation."""

    experiment: Experiment
    text: bytes
    """The user's file, byte for byte."""
    notices: list[str]
    """One line for each key that was ignored because a later layer chose another class."""
    provenance: dict[str, str]
    """Dotted key -> `default`, `file:line:column` or `command line`, for every leaf, in declaration order."""


def load_config(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    text: bytes | None = None,
    folder: Path | None = None,
    replace_blocks: Sequence[str] = (),
    is_stored: bool = False,
) -> LoadedConfig:
    """Return the experiment in a file, with overrides applied.

    Args:
        path: the config file.
        overrides: `KEY=VALUE` texts, applied in order.
        text: the content, if it is not in the file; `path` is then its name in messages.
        folder: base of relative paths in overrides; None: the working directory.
        replace_blocks: dotted keys of blocks to remove from the file first, so that an override replaces such a block
            instead of changing keys in it.
        is_stored: True for the config of an existing run; settings that new runs refuse are then accepted.

    Raises:
        ConfigError: holding all mistakes.
    """
    # Collected instead of raised one by one, so that the user sees them all at once.
    mistakes = ErrorCollector()
    layered = read_layers(
        Experiment, path, overrides, mistakes, text=text, folder=folder, replace_blocks=replace_blocks
    )
    experiment = build_block(Experiment, layered.tree, mistakes)
    mistakes.raise_if_any()
    # Only a valid experiment can be checked for settings without effect.
    if not is_stored:
        add_reasons(experiment.ineffective_settings(), layered.tree, mistakes)
        mistakes.raise_if_any()
    origins = {key: _origin_of(layered.tree, key) for key, _ in flatten(to_dict(experiment))}
    return LoadedConfig(experiment, layered.text, layered.notices, origins)


def _origin_of(tree: Node, dotted: str) -> str:
    """Return the layer that set a leaf, as `LoadedConfig.provenance` states it."""
    node = tree
    for name in dotted.split("."):
        if not isinstance(node.value, dict) or name not in node.value:
            return "default"
        node = node.value[name]
    return "command line" if node.place.source.override is not None else str(node.place)


def json_schema(*, plugins: bool = True) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of an experiment's config.

    Args:
        plugins: True to include the classes that other packages add to the registries.
    """
    return editor_schema(Experiment, plugins=plugins)


def config_template() -> str:
    """Return a config to start from: every key of the bundled digits config, with comments."""
    return to_commented_yaml(load_config(find_config("digits")).experiment)


def explain_config(loaded: LoadedConfig) -> list[tuple[str, str, str, str]]:
    """Return (dotted key, value as YAML, origin, meaning) for every leaf.

    The origin is `file:line:column`, `command line` or `default`; `auto` is a default that depends on other keys or on
    the data.
    """
    meanings = key_meanings(loaded.experiment)
    rows = []
    for key, value in flatten(to_dict(loaded.experiment)):
        origin = loaded.provenance[key]
        is_auto = value == "auto" and origin == "default"
        rows.append((key, json.dumps(value), "auto" if is_auto else origin, meanings.get(key, "")))
    return rows

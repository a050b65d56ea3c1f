"""YAML -> a frozen, typed, closed `Experiment`, and back; mistakes come all at once, each with its place."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dropout_cli.config.document import Node
from dropout_cli.config.editor_schema import editor_schema
from dropout_cli.config.example import example
from dropout_cli.config.files import bundled, find
from dropout_cli.config.merge import read_layers
from dropout_cli.config.place import Mistakes
from dropout_cli.config.schema import Average, EarlyStopping, Experiment, Training
from dropout_cli.config.validate import build, refuse
from dropout_cli.config.writing import annotate, flatten, plain, to_dict, to_yaml

__all__ = [
    "Average",
    "EarlyStopping",
    "Experiment",
    "Loaded",
    "Training",
    "bundled",
    "example",
    "explain",
    "find",
    "flatten",
    "json_schema",
    "load",
    "plain",
    "template",
    "to_dict",
    "to_yaml",
]


@dataclass(frozen=True)
class Loaded:
    """A config that was read and found right."""

    experiment: Experiment
    text: bytes
    """The user's file, byte for byte."""
    notices: list[str]
    """What the user should know (keys dropped because another layer chose another class), a line each."""
    provenance: dict[str, str]
    """Dotted key -> `default`, `file:line:column` or `command line`, for every leaf, in declaration order."""


def load(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    folder: Path | None = None,
    anew: Sequence[str] = (),
    stored: bool = False,
) -> Loaded:
    """Return the experiment in the file at `path`, with each `KEY=VALUE` of `overrides` on top.

    Relative paths in overrides count from `folder`, the working directory unless given. Blocks at the dotted keys
    `anew` are taken out of the file first, so that an override replaces them where it would otherwise change them.
    `stored`: it was trained with before, so that what no run would begin with any more is let pass. Raises
    ConfigError, which holds all mistakes.
    """
    mistakes = Mistakes()
    layered = read_layers(Experiment, path, overrides, mistakes, folder=folder, anew=anew)
    experiment = build(Experiment, layered.tree, mistakes)
    mistakes.stop_if_any()
    if not stored:
        refuse(experiment.refusals(), layered.tree, mistakes)
        mistakes.stop_if_any()
    origins = {key: _origin(layered.tree, key) for key, _ in flatten(to_dict(experiment))}
    return Loaded(experiment, layered.text, layered.notices, origins)


def _origin(tree: Node, dotted: str) -> str:
    """Who set the leaf."""
    node = tree
    for name in dotted.split("."):
        if not isinstance(node.value, dict) or name not in node.value:
            return "default"
        node = node.value[name]
    return "command line" if node.place.source.override is not None else str(node.place)


def json_schema(*, plugins: bool = True) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of an experiment's config, with what other packages add or without it."""
    return editor_schema(Experiment, plugins=plugins)


def template() -> str:
    """Return a config to start from: every key of the bundled digits with its meaning above it."""
    shown = annotate(load(find("digits")).experiment)
    return f"# For completion in an editor: dropout config schema > dropout.schema.json\n{shown}"


def explain(loaded: Loaded) -> list[tuple[str, str, str]]:
    """Return (dotted key, value as YAML, where it came from) for every leaf."""
    return [(key, json.dumps(value), loaded.provenance[key]) for key, value in flatten(to_dict(loaded.experiment))]

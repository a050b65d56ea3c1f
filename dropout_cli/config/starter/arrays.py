"""Starter config for arrays in an .npz file, or in .npy files beside each other."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from dropout_cli.config.starter.class_sizes import unequal_classes
from dropout_cli.config.starter.lines import ConfigLine, split_lines
from dropout_cli.config.starter.recipe import image_layers, recipe_text
from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.core.text import counted
from dropout_cli.data.base import TEST, TRAIN, VAL, Examples
from dropout_cli.data.readers.array_names import EXAMPLE_ROLES, LABEL_ROLES
from dropout_cli.data.sources.arrays import Arrays, looks_channels_first

FILE_KEYS = {TRAIN: ("path", "labels"), VAL: ("val_path", "val_labels"), TEST: ("test_path", "test_labels")}
"""Part -> the keys of its examples and labels."""


def arrays_config(file: Path, target: str | None = None) -> tuple[str, str]:
    """Return the text of a config for a file of arrays, and a message about it.

    Args:
        file: the .npz file, or the .npy file of the training examples, which has the labels beside it.
        target: must be None, because arrays have no named columns.

    Raises:
        DataError: if the arrays cannot be read, or labels are missing.
        UsageError: if a target is given.
    """
    if target is not None:
        raise UsageError("--target", f"{file} has no named columns", "Leave out --target.")
    paths: dict[str, Any] = {"path": str(file)} if file.suffix.lower() == ".npz" else _find_files(file)
    source = Arrays(**paths)
    examples = source.read()
    lines = [ConfigLine(key, path) for key, path in paths.items()]
    if looks_channels_first(examples.x.shape):
        comment = "guessed from the shape; last for (N, height, width, channels)"
        lines.append(ConfigLine("channels", "first", comment, is_guess=True, is_keyword=True))
        source = replace(source, channels="first")
        examples = source.read()
    drawn, recipe = split_lines(source, examples)
    shape = examples.x.shape[1:]
    layers = image_layers(*shape[:2]) if len(shape) == 3 else ()
    kind = f"classification, {len(examples.classes)} classes" if examples.classes else "regression"
    summary = f"{len(examples.labels):,} examples of {_shape_text(examples)}; {kind}."
    text = _ARRAYS.format(summary=summary, lines="".join(line.text() for line in [*lines, *drawn]))
    weights, class_message = unequal_classes(examples)
    text += recipe_text(recipe, weights, layers)
    if len(paths) > 1:
        used = f"takes the labels from {Path(paths['labels']).name}"
    else:
        used = "uses its arrays" if examples.notices else "uses its arrays x and y"
    messages = [f"{file}: {used} ({kind}; dataset.task decides).", *filter(None, [class_message]), *examples.notices]
    if len(lines) > len(paths):
        messages.append("The channels seem to come first. Change dataset.channels if that is wrong.")
    return text, "\n".join(messages)


def _find_files(file: Path) -> dict[str, str]:
    """Return the keys of the .npy files that belong to one of examples.

    Raises:
        DataError: if the labels are not beside it under a usual name.
    """
    roles = {name.stem.lower(): name for name in sorted(file.parent.glob("*.npy"))}
    keys: dict[str, str] = {}
    for part, (examples_key, labels_key) in FILE_KEYS.items():
        examples = [path for stem, path in roles.items() if EXAMPLE_ROLES.get(stem) == part]
        labels = [path for stem, path in roles.items() if LABEL_ROLES.get(stem) == part]
        if part == TRAIN:
            examples = [file]
        if len(examples) == len(labels) == 1:
            keys |= {examples_key: str(examples[0]), labels_key: str(labels[0])}
        elif part == TRAIN:
            fact = "contains only examples, or only labels"
            raise DataError(str(file), fact, "Give both files: dataset: {name: arrays, path: EXAMPLES, labels: LABELS}")
    if LABEL_ROLES.get(file.stem.lower()) is not None:
        raise DataError(str(file), "seems to contain labels", "Give the file of the examples")
    return keys


def _shape_text(examples: Examples) -> str:
    shape = examples.x.shape[1:]
    return counted(shape[0], "feature") if len(shape) == 1 else " x ".join(map(str, shape))


_ARRAYS = """\
# {summary}
# To see what was read: dropout config check THIS_FILE --data
dataset:
  name: arrays
{lines}"""

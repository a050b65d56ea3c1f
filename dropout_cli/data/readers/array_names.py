"""Names of arrays in an `.npz` file: examples and labels of each part."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from dropout_cli.core.errors import DataError
from dropout_cli.data.base import TEST, TRAIN, VAL

EXAMPLE_WORDS = ("x", "data", "images", "features", "inputs")
LABEL_WORDS = ("y", "labels", "label", "targets", "target")
PART_WORDS = {
    TRAIN: ("", "train"),
    VAL: ("val", "valid", "validation"),
    TEST: ("test",),
}
"""Part -> the words for it; the first one follows `x` and `y` in the usual names."""


def _name_roles(words: Iterable[str]) -> dict[str, int]:
    """Return all names of arrays with one of these words, and the part of each."""
    roles: dict[str, int] = {}
    for word in words:
        for part, names in PART_WORDS.items():
            for name in names:
                # x_train as Keras has it, train_images as its sources have it
                roles |= {f"{word}_{name}".strip("_"): part, f"{name}_{word}".strip("_"): part}
    return roles


EXAMPLE_ROLES, LABEL_ROLES = _name_roles(EXAMPLE_WORDS), _name_roles(LABEL_WORDS)


class PartNames(NamedTuple):
    """Names of the two arrays of a part."""

    part: int
    """TRAIN, VAL or TEST."""
    x: str
    y: str


def find_part_names(arrays: Mapping[str, object], place: str) -> list[PartNames]:
    """Return the arrays of each part, the training part first.

    Args:
        arrays: all arrays of the file.
        place: the file, for messages.

    Raises:
        DataError: if examples or labels are missing, or two arrays may be meant.
    """
    # `x` and `y` always mean themselves, whatever else the file has.
    plain = {"x", "y"} <= {*arrays}
    usual = {f"{letter}{end}" for letter in "xy" for end in ("", "_val", "_test")}
    names = [name for name in arrays if name in usual] if plain else list(arrays)
    examples, labels = (_assign(names, roles, place) for roles in (EXAMPLE_ROLES, LABEL_ROLES))
    missing = [f"x{_suffix(part)}" for part in (TRAIN, *labels) if part not in examples]
    missing += [f"y{_suffix(part)}" for part in (TRAIN, *examples) if part not in labels]
    if missing:
        available = ", ".join(map(repr, list(arrays)[:10])) or "nothing"
        fact = f"has no array {', '.join(dict.fromkeys(missing))}, only {available}"
        way_out = "Name the examples x and the labels y (x_val, y_val, x_test, y_test)"
        raise DataError(place, fact, way_out)
    return [PartNames(part, examples[part], labels[part]) for part in sorted(examples)]


def find_examples_name(arrays: Mapping[str, object], place: str) -> str:
    """Return the array of the examples in a file to predict: `x`, or the only one with such a name.

    Args:
        arrays: all arrays of the file.
        place: the file, for messages.

    Raises:
        DataError: if there is none, or two may be meant.
    """
    found = ["x"] if "x" in arrays else [name for name in arrays if name.lower() in EXAMPLE_ROLES]
    if len(found) != 1:
        fact = f"has the arrays {_listed(found)}" if found else "has no array `x`"
        raise DataError(place, fact, "Save the examples under the name x")
    return found[0]


def names_notice(parts: list[PartNames]) -> Iterable[str]:
    """Yield a notice about names other than `x` and `y`.

    Args:
        parts: the arrays of each part.
    """
    words = {TRAIN: "training", VAL: "validation", TEST: "test"}
    if any((part.x, part.y) != (f"x{_suffix(part.part)}", f"y{_suffix(part.part)}") for part in parts):
        yield f"Arrays used: {'; '.join(f'{part.x} and {part.y} ({words[part.part]})' for part in parts)}."


def _assign(names: list[str], roles: Mapping[str, int], place: str) -> dict[int, str]:
    """Return the name of the array of each part."""
    found: dict[int, str] = {}
    for name in names:
        part = roles.get(name.lower())
        if part is not None and part in found:
            fact = f"has the arrays {_listed([found[part], name])}, and both may be meant"
            raise DataError(place, fact, f"Rename the one to use to {'x' if roles is EXAMPLE_ROLES else 'y'}")
        if part is not None:
            found[part] = name
    return found


def _listed(names: list[str]) -> str:
    return " and ".join(map(repr, names[:5]))


def _suffix(part: int) -> str:
    return {TRAIN: "", VAL: "_val", TEST: "_test"}[part]

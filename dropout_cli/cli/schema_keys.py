"""Keys of configs and their values, for completion.

They are read from the JSON Schema that is part of the package. Reading it takes some milliseconds; importing the
classes takes half a second.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from dropout_cli.core.bundled import configs_folder

PLUGIN_GROUPS = {
    "dropout": "dropout_cli.variants",
    "dataset": "dropout_cli.datasets",
    "objective": "dropout_cli.objectives",
}
"""Key of a choice -> the entry points that add names to it."""
TAGS = ("name", "variant")
"""Keys that hold the name of a choice."""
_WORDS = {"boolean": ("true", "false"), "null": ("null",)}
_PATHS = ("path", "val_path", "test_path", "labels", "val_labels", "test_labels", "init_from", "teacher")


class SchemaKeys:
    """The dotted keys of a config."""

    def __init__(self, chosen: Mapping[str, str]) -> None:
        """Read the schema.

        Args:
            chosen: Settings that are given already; a choice among them leaves only the keys of its class.
        """
        self._chosen = chosen

    @cached_property
    def _schema(self) -> dict[str, Any]:
        text = (configs_folder() / "dropout.schema.json").read_text("utf-8")
        schema: dict[str, Any] = json.loads(text)
        return schema

    def keys(self, start: str) -> list[str]:
        """Return the keys one level below the last point of `start` that begin with it.

        Returns:
            Dotted keys that end in `=`, or in `.` if there are keys below them. A choice is there with both endings.
        """
        block, _, name = start.rpartition(".")
        prefix = f"{block}." if block else ""
        found: list[str] = []
        for key in self._children(block):
            if key.startswith(name) and f"{prefix}{key}" != "extends":
                dotted = f"{prefix}{key}"
                inner = bool(self._children(dotted))
                found += [f"{dotted}="] if not inner or [*self.values(dotted)] else []
                found += [f"{dotted}."] if inner else []
        return found

    def values(self, key: str) -> list[str]:
        """Return values of a key: names, literals, and the default if it is one value."""
        found = [value for node in self._nodes(key) for value in self._listed(node)]
        block, _, name = key.rpartition(".")
        if name in TAGS and block in PLUGIN_GROUPS:
            found += plugin_names(PLUGIN_GROUPS[block])
        elif key in PLUGIN_GROUPS:
            found += plugin_names(PLUGIN_GROUPS[key])
        elif key == "training.monitor":
            found += [f"val_{each}" for each in plugin_names("dropout_cli.metrics")]
        return list(dict.fromkeys(found))

    def is_path(self, key: str) -> bool:
        """Return True if the value of a key is a path."""
        return key.rpartition(".")[2] in _PATHS

    def metrics(self) -> list[str]:
        """Return the keys of the metrics by which runs can be compared, such as `test.accuracy`."""
        monitors = [value.removeprefix("val_") for value in self.values("training.monitor") if value != "val_loss"]
        return [f"{part}.{name}" for part in ("test", "val", "train") for name in monitors if name != "auto"]

    def _children(self, block: str) -> dict[str, list[dict[str, Any]]]:
        """Return key -> its schemas, of all classes that the block can be."""
        found: dict[str, list[dict[str, Any]]] = {}
        for node in self._nodes(block) if block else [self._schema]:
            for branch in self._branches(node):
                if self._is_possible(block, branch):
                    for key, inner in branch.get("properties", {}).items():
                        found.setdefault(key, []).append(inner)
        return found

    def _nodes(self, key: str) -> list[dict[str, Any]]:
        block, _, name = key.rpartition(".")
        return self._children(block).get(name, [])

    def _is_possible(self, block: str, branch: Mapping[str, Any]) -> bool:
        """Return False for the keys of another class than the one that is chosen for the block."""
        properties = branch.get("properties", {})
        names = [self._chosen.get(key) for key in (block, *(f"{block}.{tag}" for tag in TAGS))]
        known = next((name for name in names if name in self._class_names(block)), None) if any(names) else None
        if known is None:
            return True
        return any(properties.get(tag, {}).get("const") == known for tag in TAGS)

    def _class_names(self, block: str) -> set[str]:
        branches = [branch for node in self._nodes(block) for branch in self._branches(node)]
        tags = [branch.get("properties", {}).get(tag, {}) for branch in branches for tag in TAGS]
        return {tag["const"] for tag in tags if "const" in tag}

    def _branches(self, node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield the alternatives of a schema, with references resolved."""
        if "$ref" in node:
            yield from self._branches(self._schema["$defs"][node["$ref"].rpartition("/")[2]])
        elif "properties" not in node and ("anyOf" in node or "oneOf" in node):
            for branch in node.get("anyOf") or node["oneOf"]:
                yield from self._branches(branch)
        else:
            yield node

    def _listed(self, node: Mapping[str, Any]) -> Iterator[str]:
        """Yield the values that a schema lists."""
        for branch in self._branches(node):
            yield from map(_as_yaml, branch.get("enum", ()))
            if "const" in branch:
                yield _as_yaml(branch["const"])
            yield from _WORDS.get(branch.get("type", ""), ())
        default = node.get("default")
        if isinstance(default, bool | int | float | str):
            yield _as_yaml(default)


def _as_yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def plugin_names(group: str) -> list[str]:
    """Return the names of the entry points of a group, sorted; nothing is imported."""
    from importlib.metadata import entry_points

    return sorted({point.name for point in entry_points(group=group)})

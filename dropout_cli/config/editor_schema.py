"""JSON Schema of a config for editors, generated from the same declarations as validation.

The schema is as strict as a single file allows. A choice without its tag takes the keys of the default, or with
`extends:` those of the class chosen there, which a schema cannot know; it therefore accepts the keys of all classes,
and only the loader detects the mistake.
"""

import json
from collections.abc import Iterator
from typing import Any

from dropout_cli.config.declarations import REQUIRED, Key, block_keys, choice_name
from dropout_cli.config.writing import to_plain
from dropout_cli.core.errors import with_full_stop
from dropout_cli.core.field_types import describe_values, field_docs
from dropout_cli.core.registry import Registry
from dropout_cli.core.text import indefinite

Schema = dict[str, Any]


def editor_schema(root: type, *, plugins: bool = True) -> Schema:
    """Return the JSON Schema (2020-12) of configs of the class `root`, `extends` included.

    Args:
        root: the class of the whole config.
        plugins: True to include the classes that other packages add to the registries.
    """
    schema = block_schema(root, "A config of dropout", plugins=plugins)
    required = schema.pop("required", [])
    extends = {
        "type": "string",
        "description": "Another config. Its values are used for all keys that this file does not set.",
    }
    schema["properties"] = {"extends": {"anyOf": [extends, {"type": "null"}]}, **schema["properties"]}
    if required:
        schema["anyOf"] = [{"required": required}, {"required": ["extends"]}]
    return {**schema, "$defs": schema.pop("$defs")}


def block_schema(root: type, title: str, *, plugins: bool = True) -> Schema:
    """Return the JSON Schema (2020-12) of the keys of a dataclass.

    Args:
        root: the class.
        title: the title of the schema.
        plugins: True to include the classes that other packages add to the registries.
    """
    maker = _SchemaBuilder(plugins)
    schema = maker.block(root)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return {**head, **schema, "$defs": dict(sorted(maker.definitions.items()))}


class _SchemaBuilder:
    """Builds schemas; `definitions` collects the shared ones."""

    def __init__(self, plugins: bool) -> None:
        self.definitions: dict[str, Schema] = {}
        self._plugins = plugins

    def block(self, cls: type) -> Schema:
        """Return the schema of an object with exactly the keys of `cls`."""
        meanings = field_docs(cls)
        declared = block_keys(cls)
        required = [name for name, key in declared.items() if key.default() is REQUIRED]
        schema: Schema = {"type": "object", "description": _first_line(cls)}
        schema["properties"] = {name: self._property(key, meanings.get(name, "")) for name, key in declared.items()}
        if required:
            schema["required"] = required
        return {**schema, "additionalProperties": False}

    def _property(self, key: Key, meaning: str) -> Schema:
        # Editors show only the description, so that it repeats bounds and default.
        about, is_leaf = [meaning], key.registry is None and key.block is None
        if is_leaf:
            about.append(f"Allowed: {describe_values(key.annotation)}.")
        schema, default = self._value(key), key.default()
        if default is not REQUIRED:
            name = choice_name(key, default)
            schema["default"] = name if name is not None else to_plain(default)
            if (key.block is None or default is None) and "default:" not in meaning.lower():
                shown = schema["default"]
                about.append(f"Default: {shown if isinstance(shown, str) else json.dumps(shown)}.")
        return {"description": " ".join(filter(None, about)), **schema}

    def _value(self, key: Key) -> Schema:
        if key.registry is None and key.block is None:
            return _leaf_schema(key.annotation)
        inner = self._choice(key.registry) if key.registry is not None else self._named_block(key.block)
        literals = [{"const": literal} for literal in key.literals]
        return {"anyOf": [inner, *literals]} if literals else inner

    def _named_block(self, cls: type | None) -> Schema:
        assert cls is not None
        name = cls.__name__
        if name not in self.definitions:
            self.definitions[name] = self.block(cls)
        return {"$ref": f"#/$defs/{name}"}

    def _choice(self, registry: Registry[Any]) -> Schema:
        """Return a reference to the definition that all keys of this registry share."""
        name = registry.kind.replace(" ", "_")
        if name not in self.definitions:
            self.definitions[name] = {}  # reserved first: a class may contain a choice from the same registry
            self.definitions[name] = {"oneOf": list(self._branches(registry))}
        return {"$ref": f"#/$defs/{name}"}

    def _branches(self, registry: Registry[Any]) -> Iterator[Schema]:
        """Yield the bare names, an object per class with its tag, and the object without a tag."""
        bare: list[str] = []
        shared: dict[str, list[Schema]] = {}
        tagged = []
        for name, cls in registry:
            if not (self._plugins or cls.__module__.startswith("dropout_cli.")):
                continue
            block = self.block(cls)
            if origin := registry.origin(name):
                block["description"] = f"{with_full_stop(block['description'])} Package: {origin}."
            # A class with a required key cannot be chosen by its bare name alone.
            if not block.get("required"):
                bare.append(name)
            for key, schema in block["properties"].items():
                alternatives = shared.setdefault(key, [])
                # Descriptions and defaults differ from class to class; only distinct types make alternatives.
                bounds = {word: value for word, value in schema.items() if word not in ("description", "default")}
                if bounds not in alternatives:
                    alternatives.append(bounds)
            block["properties"] = {
                registry.tag: {"const": name, "description": block["description"]},
                **block["properties"],
            }
            block["required"] = [registry.tag, *block.get("required", [])]
            tagged.append(block)
        if bare:
            yield {
                "enum": bare,
                "description": f"The name of {indefinite(registry.kind)}, used with its default values.",
            }
        yield from tagged
        properties = {
            key: schemas[0] if len(schemas) == 1 else {"anyOf": schemas} for key, schemas in sorted(shared.items())
        }
        yield {"type": "object", "properties": properties, "additionalProperties": False}


def _leaf_schema(annotation: Any) -> Schema:
    from pydantic import TypeAdapter

    return json.loads(json.dumps(TypeAdapter(annotation).json_schema()))  # type: ignore[no-any-return]


def _first_line(cls: type) -> str:
    return (cls.__doc__ or cls.__name__).strip().splitlines()[0]

"""The JSON Schema of a config, for editors: read from the same declarations as the validation.

It is as closed as a single file can be judged. A choice without its tag takes the default's keys, or
with `extends:` those of the class chosen there, which a schema cannot know; so the keys of all its
classes pass there, and only the loader tells.
"""

import json
from collections.abc import Iterator
from typing import Any

from dropout_cli.config.declarations import REQUIRED, Key, chosen, keys
from dropout_cli.config.writing import plain
from dropout_cli.core.fields import docs
from dropout_cli.core.registry import Registry

Schema = dict[str, Any]


def editor_schema(root: type, *, plugins: bool = True) -> Schema:
    """Return the JSON Schema (2020-12) of configs of the class `root`, `extends` included.

    Args:
        root: the class of the whole config.
        plugins: whether it has the classes that other packages add to the registries.
    """
    maker = _Maker(plugins)
    schema = maker.block(root)
    required = schema.pop("required", [])
    extends = {"type": "string", "description": "Another config, whose values apply where this one sets none."}
    schema["properties"] = {"extends": {"anyOf": [extends, {"type": "null"}]}, **schema["properties"]}
    if required:
        schema["anyOf"] = [{"required": required}, {"required": ["extends"]}]
    title = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A config of dropout"}
    return {**title, **schema, "$defs": dict(sorted(maker.definitions.items()))}


class _Maker:
    def __init__(self, plugins: bool) -> None:
        self.definitions: dict[str, Schema] = {}
        self._plugins = plugins

    def block(self, cls: type) -> Schema:
        """A closed object with the keys of `cls`."""
        meanings = docs(cls)
        declared = keys(cls)
        required = [name for name, key in declared.items() if key.default() is REQUIRED]
        schema: Schema = {"type": "object", "description": _first_line(cls)}
        schema["properties"] = {name: self._property(key, meanings.get(name, "")) for name, key in declared.items()}
        if required:
            schema["required"] = required
        return {**schema, "additionalProperties": False}

    def _property(self, key: Key, meaning: str) -> Schema:
        default = key.default()
        schema = {"description": meaning} if meaning else {}
        schema |= self._value(key)
        if default is not REQUIRED:
            name = chosen(key, default)
            schema["default"] = name if name is not None else plain(default)
        return schema

    def _value(self, key: Key) -> Schema:
        if key.registry is None and key.block is None:
            return _leaf(key.annotation)
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
        """A reference to the definition that all keys of this registry share."""
        name = registry.kind.replace(" ", "_")
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = {"oneOf": list(self._branches(registry))}
        return {"$ref": f"#/$defs/{name}"}

    def _branches(self, registry: Registry[Any]) -> Iterator[Schema]:
        """The bare names, an object per class with its tag, and the object without a tag."""
        bare: list[str] = []
        shared: dict[str, list[Schema]] = {}
        tagged = []
        for name, cls in registry:
            if not (self._plugins or cls.__module__.startswith("dropout_cli.")):
                continue
            block = self.block(cls)
            if not block.get("required"):
                bare.append(name)
            for key, schema in block["properties"].items():
                alternatives = shared.setdefault(key, [])
                bounds = {word: value for word, value in schema.items() if word not in ("description", "default")}
                if bounds not in alternatives:
                    alternatives.append(bounds)
            block["properties"] = {registry.tag: {"const": name}, **block["properties"]}
            block["required"] = [registry.tag, *block.get("required", [])]
            tagged.append(block)
        if bare:
            yield {"enum": bare, "description": f"A {registry.kind} with all its defaults."}
        yield from tagged
        properties = {key: found[0] if len(found) == 1 else {"anyOf": found} for key, found in sorted(shared.items())}
        yield {"type": "object", "properties": properties, "additionalProperties": False}


def _leaf(annotation: Any) -> Schema:
    from pydantic import TypeAdapter

    return json.loads(json.dumps(TypeAdapter(annotation).json_schema()))  # type: ignore[no-any-return]


def _first_line(cls: type) -> str:
    return (cls.__doc__ or cls.__name__).strip().splitlines()[0]

"""JSON Schema of sweep files for editors: their keys, and all dotted keys of configs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from dropout_cli import config
from dropout_cli.config.editor_schema import block_schema
from dropout_cli.metrics import METRICS, metric_name, metric_origins
from dropout_cli.sweeps.axes import DISTRIBUTIONS
from dropout_cli.sweeps.document import SweepDocument

Schema: TypeAlias = dict[str, Any]

MOST_LEVELS = 4
"""Dotted keys have at most so many parts."""
_RANGE: Schema = {
    "type": "object",
    "properties": {
        "from": {"description": "The first number.", "type": "number"},
        "to": {"description": "The last number; it is included.", "type": "number"},
        "step": {"description": "The distance between two numbers.", "type": "number"},
    },
    "required": ["from", "to", "step"],
    "additionalProperties": False,
}
_TWO_NUMBERS: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_PARAMETERS: Schema = {
    "uniform": {"description": "[low, high]: any number between them is equally likely.", **_TWO_NUMBERS},
    "log_uniform": {"description": "[low, high], both above 0: uniform in the logarithm.", **_TWO_NUMBERS},
    "integers": {"description": "[low, high]: each whole number from low to high is equally likely.", **_TWO_NUMBERS},
    "choice": {"description": "A list of values that are equally likely.", "type": "array", "minItems": 1},
}


def sweep_schema(*, plugins: bool = True) -> Schema:
    """Return the JSON Schema (2020-12) of a sweep file.

    Args:
        plugins: True to include what other packages add.
    """
    schema = block_schema(SweepDocument, "A sweep of dropout", plugins=plugins)
    configs = config.json_schema(plugins=plugins)
    definitions: Schema = {**configs["$defs"], **schema.pop("$defs")}
    keys = _dotted_keys(configs)
    for key, value in keys.items():
        definitions[f"value:{key}"] = value
        definitions[f"values:{key}"] = _about(value) | _values(key)
        definitions[f"draw:{key}"] = _about(value) | _distribution(key)
    definitions |= {"range": _RANGE} | {f"distribution:{name}": each for name, each in _PARAMETERS.items()}
    single, listed, drawn = ({key: _reference(f"{kind}:{key}") for key in keys} for kind in ("value", "values", "draw"))
    properties = schema["properties"]
    for name, its in (("set", single), ("baseline", single), ("grid", listed), ("zip", listed)):
        of_keys = {"type": "object", "properties": its, "additionalProperties": False}
        alternatives = {"anyOf": [of_keys, {"type": "null"}]} if name == "baseline" else of_keys
        properties[name] = {"description": properties[name]["description"], **alternatives}
    properties["settings"] |= {"items": {"type": "object", "properties": single, "additionalProperties": False}}
    draw = definitions["RandomAxes"]["properties"]["draw"]
    definitions["RandomAxes"]["properties"]["draw"] = {
        "description": draw["description"],
        "type": "object",
        "properties": drawn,
        "additionalProperties": False,
    }
    metrics = [key for key in METRICS if plugins or metric_name(key) not in metric_origins()]
    properties["metric"] |= {"enum": metrics}
    properties["metrics"] |= {"items": {"enum": metrics}}
    return {**schema, "$defs": dict(sorted(definitions.items()))}


def _reference(definition: str) -> Schema:
    return {"$ref": f"#/$defs/{definition}"}


def _about(value: Schema) -> Schema:
    return {"description": value["description"]} if "description" in value else {}


def _values(key: str) -> Schema:
    """Return the schema of the values of a swept key: a list or a range."""
    listed = {"type": "array", "items": _reference(f"value:{key}"), "minItems": 1}
    return {"anyOf": [listed, _reference("range")]}


def _distribution(key: str) -> Schema:
    """Return the schema of a distribution from which the values of a key are drawn."""
    properties = {name: _reference(f"distribution:{name}") for name in DISTRIBUTIONS}
    properties["choice"] = {"allOf": [properties["choice"]], "items": _reference(f"value:{key}")}
    bounds = {"minProperties": 1, "maxProperties": 1, "additionalProperties": False}
    return {"type": "object", "properties": properties, **bounds}


def _dotted_keys(configs: Schema) -> dict[str, Schema]:
    """Return dotted key -> the schema of its value, for all classes that a block can be."""
    found: dict[str, list[Schema]] = {}
    for key, value in _keys_below(configs, configs, "", MOST_LEVELS):
        found.setdefault(key, []).append(value)
    return {key: _merged(values) for key, values in found.items() if key != "extends"}


def _keys_below(node: Mapping[str, Any], configs: Schema, path: str, levels: int) -> Iterator[tuple[str, Schema]]:
    for branch in _branches(node, configs):
        for name, value in branch.get("properties", {}).items():
            key = f"{path}.{name}" if path else name
            yield key, value
            if levels > 1:
                yield from _keys_below(value, configs, key, levels - 1)


def _branches(node: Mapping[str, Any], configs: Schema) -> Iterator[Mapping[str, Any]]:
    """Yield the alternatives of a schema, with references resolved."""
    if "$ref" in node:
        yield from _branches(configs["$defs"][node["$ref"].rpartition("/")[2]], configs)
    elif "properties" not in node and ("anyOf" in node or "oneOf" in node):
        for branch in node.get("anyOf") or node["oneOf"]:
            yield from _branches(branch, configs)
    else:
        yield node


def _merged(values: list[Schema]) -> Schema:
    """Return one schema that allows what any of them allows, with the most common description."""
    alternatives: list[Schema] = []
    for value in values:
        # A name has the description of its class.
        ignored = ("default",) if "const" in value else ("default", "description")
        bounds = {word: each for word, each in value.items() if word not in ignored}
        if bounds not in alternatives:
            alternatives.append(bounds)
    texts = Counter(value["description"] for value in values if "description" in value and "const" not in value)
    about = {"description": texts.most_common(1)[0][0]} if texts else {}
    return {**about, **(alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives})}

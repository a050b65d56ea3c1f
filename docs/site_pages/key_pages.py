"""Reference of the keys of a config: the keys of every config, and the classes of each registry with theirs."""

import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

from dropout_cli.architectures import ARCHITECTURES
from dropout_cli.config import Experiment, to_plain
from dropout_cli.config.declarations import REQUIRED, Key, block_keys, choice_name
from dropout_cli.core.field_types import describe_values, field_docs
from dropout_cli.core.registry import Registry
from dropout_cli.data import DATASETS
from dropout_cli.nn.activations import ACTIVATIONS
from dropout_cli.nn.initializers import INITIALIZERS
from dropout_cli.nn.optim.lr_schedules import SCHEDULES
from dropout_cli.nn.optim.optimizers import OPTIMIZERS
from dropout_cli.objectives import OBJECTIVES
from dropout_cli.variants import RATE_SCHEDULES, VARIANTS
from site_pages import markdown
from site_pages.registries import built_in


@dataclass(frozen=True)
class Catalog:
    """The page of one registry."""

    file: str
    title: str
    key: str
    """The dotted key of a config that chooses from it."""
    registry: Registry[Any]
    about: str
    """A sentence in Markdown."""


CATALOGS = (
    Catalog("datasets", "Data sets", "dataset", DATASETS, "[Data](../data.md) explains how to use your own data."),
    Catalog(
        "architectures",
        "Architectures",
        "architecture",
        ARCHITECTURES,
        "[Variants and objectives](../variants.md) explains where dropout acts in each of them.",
    ),
    Catalog("activations", "Activations", "architecture.activation", ACTIVATIONS, ""),
    Catalog("initializers", "Initializers", "architecture.initializer", INITIALIZERS, ""),
    Catalog(
        "objectives",
        "Objectives",
        "objective",
        OBJECTIVES,
        "[Variants and objectives](../variants.md) has examples.",
    ),
    Catalog("optimizers", "Optimizers", "training.optimizer", OPTIMIZERS, ""),
    Catalog("schedules", "Learning-rate schedules", "training.schedule", SCHEDULES, ""),
    Catalog("rate-schedules", "Schedules of the dropout rate", "dropout.rate_schedule", RATE_SCHEDULES, ""),
)
PAGE_OF = {id(catalog.registry): f"{catalog.file}.md" for catalog in CATALOGS} | {id(VARIANTS): "../variants/index.md"}
"""The page of each registry."""


def pages() -> Mapping[str, str | bytes]:
    """Return the pages of all keys and of each registry."""
    return {"config.md": config_page()} | {f"{one.file}.md": catalog_page(one) for one in CATALOGS}


def config_page() -> str:
    """Return the page of the keys that every config has."""
    parts = [
        "A config is a YAML file with these keys. [Configs](../configs.md) explains how to write one. "
        "`dropout config schema` prints the same as a JSON Schema for editors.",
        keys_of(Experiment),
    ]
    for path, block in nested_blocks(Experiment):
        parts += [f"## {markdown.code(path)}", markdown.escaped(inspect.getdoc(block) or ""), keys_of(block)]
    return markdown.page("Keys of a config", *parts, markdown.contents(f"{catalog.file}.md" for catalog in CATALOGS))


def nested_blocks(cls: type, path: str = "") -> Iterator[tuple[str, type]]:
    """Yield the dotted key and the class of each block of keys below a class, outer blocks first.

    Args:
        cls: The class of the outer block.
        path: Its dotted key; nothing for the whole config.
    """
    for name, key in block_keys(cls).items():
        if key.block is not None:
            yield f"{path}{name}", key.block
            yield from nested_blocks(key.block, f"{path}{name}.")


def catalog_page(catalog: Catalog) -> str:
    """Return the page of a registry.

    Args:
        catalog: The registry and its texts.
    """
    classes = built_in(catalog.registry)
    blocks: dict[type, str] = {}
    parts = [
        f"`{catalog.key}` is one of these. Write a name, or a mapping with `name` and keys. {catalog.about}".strip(),
        markdown.table(
            (catalog.registry.kind, "in one line"),
            (
                (f"[{markdown.code(name)}](#{name})", markdown.with_links(markdown.escaped(_about(cls)[0])))
                for name, cls in classes
            ),
        ),
    ]
    for name, cls in classes:
        parts += [f"## {markdown.code(name)}", *_description(catalog.registry, cls)]
        if is_dataclass(cls):
            parts.append(keys_of(cls))
            blocks |= {block: path for path, block in nested_blocks(cls)}
        else:
            parts.append("It has no keys.")
    for block, path in blocks.items():
        parts += [f"## The block `{path}`", markdown.escaped(inspect.getdoc(block) or ""), keys_of(block)]
    return markdown.page(catalog.title, *parts)


def _about(cls: type) -> tuple[str, str]:
    """Return the first line of a class's docstring, and the rest."""
    first, _, rest = (inspect.getdoc(cls) or "").partition("\n")
    return first, rest.strip("\n")


def _description(registry: Registry[Any], cls: type) -> Iterator[str]:
    """Yield what the docstrings of a class say, and of its module if the module is about this class only."""
    first, rest = _about(cls)
    yield markdown.with_links(markdown.escaped(first))
    if rest:
        yield markdown.with_links(markdown.from_docstring(rest))
    neighbors = [other for _, other in registry if other.__module__ == cls.__module__]
    if len(neighbors) == 1:
        yield markdown.with_links(markdown.from_docstring(inspect.getdoc(sys.modules[cls.__module__]) or ""))


def keys_of(cls: type, folder: str = "") -> str:
    """Return the table of the keys of a dataclass.

    Args:
        cls: The class.
        folder: The path from the page to the folder `reference`.
    """
    meanings = field_docs(cls)
    rows = [_row(name, key, meanings.get(name, ""), folder) for name, key in block_keys(cls).items()]
    return markdown.table(("key", "default", "allowed", "meaning"), rows) if rows else "It has no keys."


def _row(name: str, key: Key, meaning: str, folder: str) -> tuple[str, str, str, str]:
    default = key.default()
    if default is REQUIRED:
        shown = "required"
    elif key.block is not None and default is not None:
        shown = "its defaults"
    else:
        chosen = choice_name(key, default)
        shown = markdown.code(markdown.yaml_value(to_plain(default) if chosen is None else chosen))
    return markdown.code(name), shown, _allowed(key, folder), markdown.with_links(markdown.escaped(meaning))


def _allowed(key: Key, folder: str) -> str:
    """Return the allowed values; for a choice, with a link to the page of its registry."""
    literals = " | ".join(markdown.code(markdown.yaml_value(literal)) for literal in key.literals)
    if key.registry is not None:
        kind = f"[{key.registry.kind}]({folder}{PAGE_OF[id(key.registry)]})"
    elif key.block is not None:
        kind = "keys, see below"
    else:
        return markdown.code(describe_values(key.annotation))
    return " | ".join(filter(None, (kind, literals)))

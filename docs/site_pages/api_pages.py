"""Reference of the Python API: directives for all public names, whose docstrings Sphinx reads."""

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from types import ModuleType, UnionType
from typing import Annotated, Any, Literal, Union, get_origin

from dropout_cli.core.field_types import describe_values
from dropout_cli.core.registry import Registry
from dropout_cli.variants import NoiseSource
from site_pages import markdown

PAGES = {
    "dropout": (
        "dropout_cli",
        "The package `dropout_cli`",
        "`import dropout_cli as dropout` gives these names. [Use it from Python](../../python.md) has examples.",
    ),
    "estimators": (
        "dropout_cli.estimators",
        "Estimators",
        "The estimators for scikit-learn. [Estimators for scikit-learn](../../scikit-learn.md) has examples.",
    ),
    "variants": (
        "dropout_cli.variants",
        "For authors of variants",
        "A variant in a package of its own imports these names and no others. "
        "[Write a variant](../../write-a-variant.md) and [Plugins](../../plugins.md) have complete examples.",
    ),
}
"""File -> module, title and introduction."""
ESTIMATORS = "dropout_cli.estimators"
KEY_TYPES = (Annotated, Union, UnionType)
_MODULES, _PRIVATE = re.compile(r"\b(?:typing|numpy|dropout_cli\.core\.rng)\."), re.compile(r"\._\w+")


def pages() -> Mapping[str, str | bytes]:
    """Return the pages of all public modules and their list."""
    index = markdown.page(
        "Python API",
        "\n".join(f"- [{title}]({name}.md): `{module}`" for name, (module, title, _) in PAGES.items()),
        markdown.contents(f"{name}.md" for name in PAGES),
    )
    return {"index.md": index} | {
        f"{name}.md": module_page(importlib.import_module(module), title, about)
        for name, (module, title, about) in PAGES.items()
    }


def module_page(module: ModuleType, title: str, about: str) -> str:
    """Return the page of a module.

    Args:
        module: The module; `__all__` has its public names.
        title: The heading.
        about: A sentence in Markdown.
    """
    names = list(names_of(module))
    documented = [name for name in names if _is_documented(getattr(module, name))]
    directives = "\n\n".join(directive(module, name) for name in documented)
    others = [(name, getattr(module, name)) for name in names if name not in documented]
    return markdown.page(
        title,
        about,
        f"```{{eval-rst}}\n.. currentmodule:: {module.__name__}\n\n{directives}\n```",
        *(
            ["## Types and values", markdown.table(("name", "meaning"), map(_other_row, *zip(*others, strict=True)))]
            if others
            else []
        ),
    )


def names_of(module: ModuleType) -> Iterator[str]:
    """Yield the public names of a module; estimators have a page of their own.

    Args:
        module: The module.
    """
    for name in module.__all__:
        own_page = (
            getattr(getattr(module, name), "__module__", "").startswith(ESTIMATORS) and module.__name__ != ESTIMATORS
        )
        if not (own_page or name.startswith("__")):
            yield name


def _is_documented(value: Any) -> bool:
    """Return True for classes and functions of this package."""
    return (inspect.isclass(value) or _is_function(value)) and value.__module__.startswith("dropout_cli.")


def _is_function(value: Any) -> bool:
    """Return True for functions, also for those that keep their results."""
    return inspect.isfunction(inspect.unwrap(value)) if callable(value) else False


def directive(module: ModuleType, name: str) -> str:
    """Return the directive that documents a class or a function.

    Args:
        module: The module that exports it.
        name: The name.
    """
    value = getattr(module, name)
    if _is_function(value):
        return f".. autofunction:: {name}"
    # Of an estimator, the methods of its base classes in this package, but not those of scikit-learn.
    members = ", ".join(_own_members(value)) if module.__name__ == ESTIMATORS else ""
    return f".. autoclass:: {name}\n   :members: {members}".rstrip() + "\n   :exclude-members: RENAMED"


def _own_members(cls: type) -> list[str]:
    own = [base for base in cls.__mro__ if base.__module__.startswith("dropout_cli.")]
    names = dict.fromkeys(name for base in reversed(own) for name in vars(base) if not name.startswith("_"))
    return [name for name in names if not name.endswith("_request") and getattr(cls, name).__doc__]


def _other_row(name: str, value: Any) -> tuple[str, str]:
    """Return a row for a type of another package, an alias, a registry or a number."""
    if isinstance(value, Registry):
        return markdown.code(name), f"the registry of {value.kind}s; `@{name}.register(NAME)` adds a class"
    if isinstance(value, int | float):
        return markdown.code(name), markdown.code(str(value))
    if inspect.isclass(value):
        place = _PRIVATE.sub("", value.__module__)
        return markdown.code(name), f"the class {markdown.code(f'{place}.{value.__qualname__}')}"
    if get_origin(value) is Literal:
        return markdown.code(name), f"one of the words {markdown.code(describe_values(value))}"
    if get_origin(value) in KEY_TYPES and value != NoiseSource:
        return markdown.code(name), f"the type of a key with the values {markdown.code(describe_values(value))}"
    return markdown.code(name), markdown.code(_MODULES.sub("", str(value)))

"""Types of config fields with their bounds, and descriptions of the fields of a dataclass.

A field is declared once, as `name: Type = default` with a docstring below it. Validation, the JSON
Schema and the printed documentation are all read from that declaration.
"""

import ast
import inspect
import json
import textwrap
from collections.abc import Iterable
from dataclasses import MISSING, dataclass
from dataclasses import fields as dataclass_fields
from itertools import pairwise
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt, MinLen

from dropout_cli.core.registry import Choice


@dataclass(frozen=True)
class Hint:
    """Annotation of a field: a remark for the error message of a value out of bounds.

    Attributes:
        text: The remark.
    """

    text: str


@dataclass(frozen=True)
class PathField:
    """Annotation of a field whose value is a path.

    A relative path is resolved against the folder of the config file that sets it, or against the working directory if
    it is set on the command line. The validated value is absolute.
    """

    endings: tuple[str, ...] = ()
    """Endings of the values that are paths; others are kept as they are. Empty: every value is a path."""

    def covers(self, value: object) -> bool:
        """Return True if a value of the field is a path."""
        return not self.endings or str(value).lower().endswith(self.endings)


Rate = Annotated[float, Ge(0), Lt(1), Hint("rate is the probability of dropping, not of keeping")]
Rates = Rate | Annotated[tuple[Rate, ...], MinLen(1)]
Finite = Annotated[float, Ge(-1e6), Le(1e6)]
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Fraction = Annotated[float, Gt(0), Lt(1)]
FractionOrZero = Annotated[float, Ge(0), Lt(1)]
ClosedFraction = Annotated[float, Ge(0), Le(1)]
Count = Annotated[int, Ge(1)]
CountOrZero = Annotated[int, Ge(0)]
Widths = Annotated[tuple[Count, ...], MinLen(1)]


def field_docs(cls: type) -> dict[str, str]:
    """Return the docstrings below the fields of a dataclass, on one line each.

    Args:
        cls: The dataclass; fields of its bases are included.

    Returns:
        Field name -> docstring. Classes without source code, such as those of a frozen program, contribute nothing.
    """
    texts: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):  # bases first: a subclass may describe an inherited field again
        try:
            source = textwrap.dedent(inspect.getsource(base))
        except (OSError, TypeError):
            continue
        # Python keeps no docstrings of fields: they are only in the source.
        body = next(node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)).body
        for field, text in pairwise(body):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(about))):
                    texts[name] = " ".join(about.split())
    return texts


def describe_fields(cls: type) -> list[dict[str, Any]]:
    """Describe the fields of a dataclass for people.

    Returns:
        One dict per field with the keys name, default (None if there is none), required, allowed and about.
    """
    about = field_docs(cls)
    hints = get_type_hints(cls, include_extras=True)
    return [
        {
            "name": field.name,
            "default": _shown_default(field.default, hints[field.name]),
            "required": field.default is MISSING and field.default_factory is MISSING,
            "allowed": describe_values(hints[field.name]),
            "about": about.get(field.name, ""),
        }
        for field in dataclass_fields(cls)
    ]


def _shown_default(default: Any, hint: Any) -> Any:
    """Return a default as people write it: of a choice, the registered name."""
    if default is MISSING or default is None or isinstance(default, bool | int | float | str):
        return None if default is MISSING else default
    if isinstance(default, tuple):
        return list(default)
    choice = next(note for note in get_args(hint)[1:] if isinstance(note, Choice))
    return choice.registry.name_of(type(default))


LIST_PREFIX = "a list, each "


def describe_values(annotation: Any, marks: tuple[Any, ...] = ()) -> str:
    """Describe the allowed values of a field: `[0, 1)`, `integer >= 1`, `auto | > 0`.

    Args:
        annotation: The type of the field.
        marks: Metadata of the enclosing `Annotated` types; they apply to every member of a union.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return describe_values(arguments[0], (*marks, *arguments[1:]))
    if origin in (Union, UnionType):
        return _either(describe_values(member, marks) for member in arguments)
    if origin is Literal:
        return " | ".join(_word(literal) for literal in arguments)
    if origin is tuple:
        return LIST_PREFIX + describe_values(arguments[0])
    if annotation in (int, float):
        return _number(annotation, marks)
    simple = {bool: "true | false", NoneType: _word(None), str: "a path" if PathField() in marks else "text"}
    if annotation in simple:
        return simple[annotation]
    registries = [mark.registry for mark in marks if isinstance(mark, Choice)]
    return " | ".join(registries[0].names()) if registries else str(getattr(annotation, "__name__", annotation))


def _either(texts: Iterable[str]) -> str:
    """Join the members of a union; `X | a list, each X` becomes `X, or a list of them`."""
    members: list[str] = []
    for text in texts:
        if members and text == LIST_PREFIX + members[-1]:
            members[-1] += ", or a list of them"
        else:
            members.append(text)
    return " | ".join(members)


def _number(kind: type, marks: tuple[Any, ...]) -> str:
    """Describe the bounds of a number: an interval, one bound, or `a number`."""
    bounds = left = right = ""
    for mark in marks:
        match mark:
            case Ge(least):
                bounds, left = f">= {least:g}", f"[{least:g}"
            case Gt(below):
                bounds, left = f"> {below:g}", f"({below:g}"
            case Le(most):
                bounds, right = f"<= {most:g}", f"{most:g}]"
            case Lt(above):
                bounds, right = f"< {above:g}", f"{above:g})"
    if left and right:
        bounds = f"in {left}, {right}" if kind is int else f"{left}, {right}"
    return f"integer {bounds}".rstrip() if kind is int else bounds or "a number"


def _word(literal: Any) -> str:
    """Return a literal as it is written in YAML."""
    return literal if isinstance(literal, str) else json.dumps(literal)

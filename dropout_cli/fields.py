"""The types of config fields, with their bounds; and what a dataclass says of its own fields.

A field is declared once, as `name: Type = default` with a docstring below it. Validation, the JSON
Schema and the printed documentation are all read from that declaration.
"""

import ast
import inspect
import textwrap
from dataclasses import MISSING, dataclass
from dataclasses import fields as dataclass_fields
from itertools import pairwise
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt, MinLen


@dataclass(frozen=True)
class Hint:
    """Annotation: a remark that goes with the message when the value is out of bounds."""

    text: str


@dataclass(frozen=True)
class PathField:
    """Annotation: a path; a relative one counts from the folder of the config file that sets it.

    On the command line it counts from the working directory. What arrives is absolute.
    """


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


def docs(cls: type) -> dict[str, str]:
    """Field name -> the docstring below its declaration, bases included, on one line each."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        try:
            source = textwrap.dedent(inspect.getsource(base))
        except (OSError, TypeError):
            continue
        body = next(node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)).body
        for field, text in pairwise(body):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(about))):
                    found[name] = " ".join(about.split())
    return found


def keys(cls: type) -> list[dict[str, Any]]:
    """The fields of a dataclass as a person reads them: name, default and about; None where there is no default."""
    about = docs(cls)
    return [
        {"name": field.name, "default": _plain(field.default), "about": about.get(field.name, "")}
        for field in dataclass_fields(cls)
    ]


def _plain(default: Any) -> Any:
    if default is MISSING or default is None or isinstance(default, bool | int | float | str):
        return None if default is MISSING else default
    return list(default) if isinstance(default, tuple) else type(default).__name__.lower()

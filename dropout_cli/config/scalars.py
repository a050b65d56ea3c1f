"""Meaning of plain scalars in YAML 1.2.

YAML 1.1, which PyYAML implements, reads `1e-3` as text, and `no`, `010`, `1:30` and dates as other things than text.
Here only JSON numbers, `.5`, `0x1F`, `0o17`, `.inf` and `.nan` are numbers, and only `true` and `false` are booleans.
"""

import re

ScalarValue = bool | int | float | str | None

MAX_DIGITS = 300
"""Longer whole numbers are read as floats or text; Python refuses to convert 4,301 digits."""

_NULL = re.compile(r"(?:null|Null|NULL|~|)")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)")


def parse_scalar(text: str) -> ScalarValue:
    """Return the value of the plain (unquoted) scalar `text`."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if len(text) <= MAX_DIGITS:
        if _INT.fullmatch(text):
            return int(text)
        if _BASED.fullmatch(text):
            return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return float("nan") if _NAN.fullmatch(text) else text

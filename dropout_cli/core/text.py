"""Text and numbers as they may be shown: a name must not move the cursor, ring, or run backwards."""


def visible(text: str) -> str:
    r"""The text with `\x1b` and the like spelled out for every character that shows nothing; line ends stay."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else _spelled_out(char) for char in text)


def _spelled_out(char: str) -> str:
    return char.encode("unicode_escape").decode()


def plural(number: int, noun: str) -> str:
    """Return the noun alone, in the form that goes with the number."""
    if number == 1:
        return noun
    if noun.endswith(("s", "x", "sh", "tch")):
        return f"{noun}es"
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"


def counted(number: int, noun: str) -> str:
    """Return `1 run`, `2 runs`, `1,000 classes`."""
    return f"{number:,} {plural(number, noun)}"


def decimals(value: float, digits: int, sign: str = "") -> str:
    """Return a number with so many decimals; one that is rounded to 0 has no minus."""
    return f"{round(float(value), digits) + 0.0:{sign}.{digits}f}"


def significant(value: float, digits: int = 4) -> str:
    """Return a number with so many digits that count; 0 has no minus."""
    return f"{value + 0.0:.{digits}g}"

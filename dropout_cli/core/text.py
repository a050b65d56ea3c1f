"""Safe display of text from files, data and other programs.

A name must not be able to move the cursor, ring the bell or reverse the direction of writing.
"""


def escape_control_chars(text: str) -> str:
    r"""Return the text with non-printing characters written as escapes such as `\x1b`.

    Line ends stay.
    """
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


def indefinite(noun: str) -> str:
    """Return the noun with its article: `a variant`, `an objective`."""
    # By the letter, which is right for all nouns of this package: it has no `hour` and no `unit` here.
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"


def decimals(value: float, digits: int, sign: str = "") -> str:
    """Return a number rounded to `digits` decimals; a number that rounds to 0 has no minus sign."""
    return f"{round(float(value), digits) + 0.0:{sign}.{digits}f}"


def significant(value: float, digits: int = 4) -> str:
    """Return a number rounded to `digits` significant digits; 0 has no minus sign."""
    return f"{value + 0.0:.{digits}g}"


def format_duration(seconds: float) -> str:
    """Return a time such as `1 h 05 min`, `3 min 10 s` or `12 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"

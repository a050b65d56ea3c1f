"""Safe display of text from files, data and other programs.

A name must not be able to move the cursor, ring the bell or reverse the direction of writing.
"""


def visible(text: str) -> str:
    r"""Return the text with non-printing characters written as escapes such as `\x1b`.

    Line ends stay.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else _spelled_out(char) for char in text)


def _spelled_out(char: str) -> str:
    return char.encode("unicode_escape").decode()

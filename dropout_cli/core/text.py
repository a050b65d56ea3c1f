"""Text that came from elsewhere, as it may be shown: a name must not move the cursor, ring, or run backwards."""


def visible(text: str) -> str:
    r"""The text with `\x1b` and the like spelled out for every character that shows nothing; line ends stay."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else _spelled_out(char) for char in text)


def _spelled_out(char: str) -> str:
    return char.encode("unicode_escape").decode()

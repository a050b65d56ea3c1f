"""Quoting of words in commands that are printed for copy and paste."""

import shlex
import sys
from collections.abc import Iterable

WINDOWS_SPECIAL = frozenset(" \t&|<>^()%!;,='`$@#{}[]~*?")
"""Characters with a meaning in the shells of Windows, cmd or PowerShell, or at the start of a word there."""


def quote_word(word: str) -> str:
    """Return a word as a shell of this system takes it: a POSIX shell, or those of Windows."""
    return quote_for_windows(word) if sys.platform == "win32" else shlex.quote(word)


def join_words(words: Iterable[str]) -> str:
    """Return words as one command."""
    return " ".join(quote_word(word) for word in words)


def quote_for_windows(word: str) -> str:
    """Return a word as cmd and PowerShell take it: in double quotes if it has a special character.

    cmd does not know single quotes, which `shlex.quote` writes. Backslashes, which every path has there, need no
    quotes. The two shells have no common way to write `%NAME%` and `$NAME` literally.
    """
    from subprocess import list2cmdline

    quoted = list2cmdline([word])
    return f'"{quoted}"' if not quoted.startswith('"') and WINDOWS_SPECIAL & set(word) else quoted

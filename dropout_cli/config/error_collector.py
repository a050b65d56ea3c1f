"""Positions of values in config files, and the collector of mistakes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dropout_cli.core.errors import ConfigError, Problem
from dropout_cli.core.text import escape_control_chars, plural

MAX_ERRORS = 100
"""Most mistakes to report one by one; the rest is counted."""


@dataclass(frozen=True)
class ConfigSource:
    """A text that values come from: a file, or one `KEY=VALUE` of the command line."""

    name: str
    """The file's path as the user wrote it, or the whole `KEY=VALUE`."""
    folder: Path
    """Base of relative paths."""
    layer: int = 0
    """Number of the layer; later layers override earlier ones. The command line is one layer."""
    override: str | None = None
    """The dotted key that this `KEY=VALUE` sets; None for a file."""


class Place(NamedTuple):
    """Position in a source; line and column count from 1."""

    source: ConfigSource
    line: int
    column: int

    def __str__(self) -> str:
        """Return `file:line:column`, or the `KEY=VALUE`."""
        if self.source.override is not None:
            return self.source.name
        return f"{self.source.name}:{self.line}:{self.column}"


class ErrorCollector:
    """Collects mistakes, so that a user sees all of them at once, in the order of the file."""

    def __init__(self) -> None:
        """Start without mistakes."""
        self._found: list[tuple[tuple[int, int, int], Problem]] = []
        self._count = 0

    def __len__(self) -> int:
        """Return the number of mistakes so far."""
        return self._count

    @property
    def is_full(self) -> bool:
        """True if further mistakes are only counted, so that callers need not word them."""
        return len(self._found) >= MAX_ERRORS

    def add(self, place: Place, key: str, fact: str, way_out: str = "") -> None:
        """Add a mistake.

        Args:
            place: position of the mistake.
            key: dotted key that it is about; may be empty.
            fact: what is wrong.
            way_out: what the user can do.
        """
        self._count += 1
        if self.is_full:
            return
        # The place of an override is `KEY=VALUE` itself, which already names the key.
        stated = fact if not key or key == place.source.override else f"{shorten(key)}: {fact}"
        # Files come before overrides.
        order = (place.source.layer, place.line, place.column)
        self._found.append((order, Problem(str(place), stated, way_out)))

    def extend(self, error: ConfigError, layer: int) -> None:
        """Add the problems of an error as mistakes of a layer, without raising."""
        self._count += len(error.problems)
        if not self.is_full:
            self._found.extend(((layer, 0, 0), problem) for problem in error.problems)

    def raise_if_any(self) -> None:
        """Raise a ConfigError with all mistakes, if there are any."""
        if not self._found:
            return
        problems = self._sorted()
        if self._count > len(problems):
            more = self._count - len(problems)
            verb = "is" if more == 1 else "are"
            problems.append(Problem("", f"{more} {plural(more, 'more mistake')} {verb} not shown"))
        raise ConfigError.from_problems(problems)

    @contextmanager
    def including_errors(self) -> Iterator[None]:
        """Add the mistakes so far to a ConfigError that is raised inside the block."""
        try:
            yield
        except ConfigError as error:
            raise ConfigError.from_problems([*self._sorted(), *error.problems]) from None

    def _sorted(self) -> list[Problem]:
        """Return the problems in the order of layers, lines and columns."""
        return [problem for _, problem in sorted(self._found, key=lambda entry: entry[0])]


def escape_to_one_line(text: str) -> str:
    """Return the text on one line, with escapes for characters that terminals cannot show."""
    return escape_control_chars(text).replace("\n", "\\n")


def shorten(text: str, max_length: int = 60) -> str:
    """Return the text on one line, cut to `max_length` characters."""
    text = escape_to_one_line(text)
    return text if len(text) <= max_length else f"{text[: max_length - 3]}..."

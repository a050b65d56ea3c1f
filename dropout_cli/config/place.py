"""Where a value stands, and the mistakes found there, kept until all of them are known."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dropout_cli.core.errors import ConfigError, Problem
from dropout_cli.core.text import plural, visible

MOST_MISTAKES = 100
"""More lines than this help nobody; what is left is counted."""


@dataclass(frozen=True)
class Source:
    """A text that values were read from: a file, or one `KEY=VALUE` of the command line."""

    name: str
    """The file's path as the user gave it, or the whole `KEY=VALUE`."""
    folder: Path
    """Relative paths count from here."""
    layer: int = 0
    """A later layer overrides an earlier one; all of the command line is one layer."""
    override: str | None = None
    """The dotted key that this `KEY=VALUE` sets; None for a file."""


class Place(NamedTuple):
    """A position in a source; line and column count from 1."""

    source: Source
    line: int
    column: int

    def __str__(self) -> str:
        """`file:line:column`, or the `KEY=VALUE`."""
        if self.source.override is not None:
            return self.source.name
        return f"{self.source.name}:{self.line}:{self.column}"


class Mistakes:
    """Collects mistakes, so that a user sees all of them at once, in the order of the file."""

    def __init__(self) -> None:
        """Nothing is wrong yet."""
        self._found: list[tuple[tuple[int, int, int], Problem]] = []
        self._count = 0

    def __len__(self) -> int:
        """How many mistakes there are so far."""
        return self._count

    @property
    def full(self) -> bool:
        """Whether further mistakes are only counted, so that no thought need go into their wording."""
        return len(self._found) >= MOST_MISTAKES

    def add(self, place: Place, key: str, fact: str, way_out: str = "") -> None:
        """Note a mistake at `place` about the dotted `key`, which may be empty."""
        self._count += 1
        if self.full:
            return
        stated = fact if not key or key == place.source.override else f"{shorten(key)}: {fact}"
        order = (place.source.layer, place.line, place.column)
        self._found.append((order, Problem(str(place), stated, way_out)))

    def absorb(self, error: ConfigError, layer: int) -> None:
        """Note what an error says, as a mistake of that layer, and go on."""
        self._count += len(error.problems)
        if not self.full:
            self._found.extend(((layer, 0, 0), problem) for problem in error.problems)

    def stop_if_any(self) -> None:
        """Raise a ConfigError of everything found, if anything was."""
        if not self._found:
            return
        problems = [problem for _, problem in sorted(self._found, key=lambda found: found[0])]
        if self._count > len(problems):
            more = self._count - len(problems)
            verb = "is" if more == 1 else "are"
            problems.append(Problem("", f"{more} {plural(more, 'more mistake')} {verb} not shown"))
        raise ConfigError.of(problems)

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Let a ConfigError raised inside come out together with what was found before it."""
        try:
            yield
        except ConfigError as error:
            found = [problem for _, problem in sorted(self._found, key=lambda found: found[0])]
            raise ConfigError.of([*found, *error.problems]) from None


def printable(text: str) -> str:
    """The text on one line, with escapes where a terminal could not show it."""
    return visible(text).replace("\n", "\\n")


def shorten(text: str, most: int = 60) -> str:
    """The text on one line, cut where it would fill the screen."""
    text = printable(text)
    return text if len(text) <= most else f"{text[: most - 3]}..."

"""Exceptions of the package; each class carries its exit code.

A message is `place: fact. way out.`.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

from dropout_cli.core.text import escape_control_chars


class Problem(NamedTuple):
    """One mistake in the user's input or files, with its place and a way out.

    Attributes:
        place: Where the mistake is: a file, a position in it, or an option of the command line.
        fact: The mistake itself.
        way_out: The user's next step; empty if there is none.
    """

    place: str
    fact: str
    way_out: str = ""

    def __str__(self) -> str:
        """Return `place: fact. way out.` on one line, with control characters escaped."""
        sentences = " ".join(with_full_stop(part) for part in (self.fact, self.way_out) if part)
        line = f"{self.place}: {sentences}" if self.place else sentences
        return escape_control_chars(" ".join(line.split()))


def with_full_stop(text: str) -> str:
    """Return the text with a full stop unless it already ends with `.`, `?` or `!`."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


class InvalidField(ValueError):
    """The fields of a dataclass are invalid, or do not work with those of another one.

    The problems are fields of the error, so that the reader of a config can name the line that sets the key.
    """

    def __init__(self, key: str, fact: str, way_out: str = "") -> None:
        """Make an error with one problem; `of` makes one with several.

        Args:
            key: The dotted key with the mistake, relative to the class that raises; empty if it is not a single key.
            fact: The mistake itself.
            way_out: The user's next step; empty if there is none.
        """
        super().__init__(key, fact, way_out)
        self.problems: tuple[Problem, ...] = (Problem(key, fact, way_out),)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Self:
        """Return one error that holds all `problems`; there must be at least one."""
        problems = tuple(problems)
        error = cls(*problems[0])
        error.problems = problems
        return error

    def within(self, path: str) -> Iterator[Problem]:
        """Yield the problems with keys relative to the outer block, which has this one at `path`."""
        for key, fact, way_out in self.problems:
            yield Problem(f"{path}.{key}" if key else path, fact, way_out)

    def __str__(self) -> str:
        """Return `key: fact. way out`, one line per problem."""
        lines = ((key, ". ".join(filter(None, (fact, way_out)))) for key, fact, way_out in self.problems)
        return "\n".join(": ".join(filter(None, line)) for line in lines)


class DropoutError(Exception):
    """Base of all errors that the command line prints without a traceback."""

    exit_code = 1

    def __init__(self, place: str, fact: str, way_out: str = "") -> None:
        """Make an error with one problem; `from_problems` makes one with several.

        The arguments are those of `Problem`.
        """
        super().__init__(place, fact, way_out)
        self.problems: tuple[Problem, ...] = (Problem(place, fact, way_out),)

    @classmethod
    def from_problems(cls, problems: Iterable[Problem]) -> Self:
        """Return one error that reports all problems.

        Args:
            problems: At least one problem, in the order of their lines.
        """
        problems = tuple(problems)
        error = cls(*problems[0])
        error.problems = problems
        return error

    def __str__(self) -> str:
        """Return one line per problem."""
        return "\n".join(str(problem) for problem in self.problems)


class RunFailed(DropoutError):
    """A run failed: the disk is full, a file is not writable, or a checkpoint is damaged."""


class Diverged(RunFailed):
    """The training objective is no longer a finite number."""


class UsageError(DropoutError):
    """The command line is wrong, the run does not exist, or another process is working on it."""

    exit_code = 2


class NewerFormat(UsageError):
    """A file has a format that is newer than this version of the package."""


class ConfigError(UsageError):
    """A config is wrong."""


class IncompatibleVersion(UsageError):
    """A run cannot be resumed because this version computes differently."""


class DataError(DropoutError):
    """Data are missing, wrong or changed."""

    exit_code = 3


class Mismatch(DropoutError):
    """A verification, a replay or a reproduction does not match."""

    exit_code = 4


class SweepIncomplete(DropoutError):
    """A sweep ended with runs that failed or were not trained."""

    exit_code = 5


class StopRequest(BaseException):
    """Raised on SIGINT or SIGTERM, or when the reader of the output pipe has gone.

    It can be raised at any line, so it is not an `Exception`: `except Exception` must not catch it.
    """

    def __init__(self, exit_code: int) -> None:
        """Make a request to stop.

        Args:
            exit_code: 128 plus the number of the signal.
        """
        super().__init__(exit_code)
        self.exit_code = exit_code


INTERRUPT, PIPE_CLOSED, TERMINATE = 130, 141, 143


class Interrupted(DropoutError):
    """A run was stopped on request and has been saved; `exit_code` is that of the request."""

    @classmethod
    def from_stop(cls, stop: BaseException, place: str, fact: str, way_out: str = "") -> Self:
        """Return the error for a request to stop.

        Args:
            stop: The StopRequest or KeyboardInterrupt that was raised.
            place: See `Problem`.
            fact: See `Problem`.
            way_out: See `Problem`.
        """
        error = cls(place, fact, way_out)
        error.exit_code = stop.exit_code if isinstance(stop, StopRequest) else INTERRUPT
        return error

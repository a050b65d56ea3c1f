"""The exception tree. A message is a place, a fact and a way out; the class carries the exit code."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

from dropout_cli.core.text import visible


class Problem(NamedTuple):
    """One mistake: where it is, what is the case, and what can be done about it."""

    place: str
    fact: str
    way_out: str = ""

    def __str__(self) -> str:
        """`place: fact. way out.`, on one line."""
        sentences = " ".join(sentence(part) for part in (self.fact, self.way_out) if part)
        line = f"{self.place}: {sentences}" if self.place else sentences
        return visible(" ".join(line.split()))


def sentence(text: str) -> str:
    """The text with a full stop, where it does not end otherwise."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


class InvalidField(ValueError):
    """A dataclass refuses its fields, or one that it is to work with refuses them.

    The problems are fields of the error, so that whoever knows where a config sets a key can point at its line.
    """

    def __init__(self, key: str, fact: str, way_out: str = "") -> None:
        """Make an error of a single problem; `of` makes one of several.

        Args:
            key: The dotted key at fault, counted from the class that raises; empty where it is no single key.
            fact: What is the case.
            way_out: What can be done about it.
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
        """Yield the problems with their keys counted from the block that holds this one at `path`."""
        for key, fact, way_out in self.problems:
            yield Problem(f"{path}.{key}" if key else path, fact, way_out)

    def __str__(self) -> str:
        """Return `key: fact. way out`, a line per problem."""
        lines = ((key, ". ".join(filter(None, (fact, way_out)))) for key, fact, way_out in self.problems)
        return "\n".join(": ".join(filter(None, line)) for line in lines)


class DropoutError(Exception):
    """What the command line prints, one line per problem, instead of a traceback."""

    exit_code = 1

    def __init__(self, place: str, fact: str, way_out: str = "") -> None:
        """Make an error of a single problem; `of` makes one of several."""
        super().__init__(place, fact, way_out)
        self.problems: tuple[Problem, ...] = (Problem(place, fact, way_out),)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Self:
        """One error that reports all `problems`; there must be at least one."""
        problems = tuple(problems)
        error = cls(*problems[0])
        error.problems = problems
        return error

    def __str__(self) -> str:
        """All problems, a line each."""
        return "\n".join(str(problem) for problem in self.problems)


class RunFailed(DropoutError):
    """A run could not be carried through: out of disk, unwritable, a damaged checkpoint."""


class Diverged(RunFailed):
    """The training objective stopped being a finite number."""


class UsageError(DropoutError):
    """The command line is wrong, or there is no such run, or somebody else is working on it."""

    exit_code = 2


class NewerFormat(UsageError):
    """A file was written in a format that this version does not know."""


class ConfigError(UsageError):
    """A config is wrong."""


class Outdated(UsageError):
    """A run cannot be resumed, since this version computes otherwise than the one that began it."""


class DataError(DropoutError):
    """Data are missing, wrong or changed."""

    exit_code = 3


class Mismatch(DropoutError):
    """A verification, a replay or a reproduction does not match."""

    exit_code = 4


class SweepIncomplete(DropoutError):
    """A sweep ended with cells that failed or were not trained."""

    exit_code = 5


class Stop(BaseException):
    """A request to stop, raised wherever the program happens to be: a signal, or nobody reads our output any more."""

    def __init__(self, exit_code: int) -> None:
        """`exit_code`: 128 plus the signal's number."""
        super().__init__(exit_code)
        self.exit_code = exit_code


INTERRUPT, READER_GONE, TERMINATE = 130, 141, 143


class Interrupted(DropoutError):
    """A run was asked to stop, and it has been saved; `exit_code` is that of the request."""

    @classmethod
    def by(cls, stop: BaseException, place: str, fact: str, way_out: str = "") -> Self:
        """The error that follows from a Stop or a KeyboardInterrupt."""
        error = cls(place, fact, way_out)
        error.exit_code = stop.exit_code if isinstance(stop, Stop) else INTERRUPT
        return error

"""Name -> class. A choice in YAML is a lookup here, and a miss is helpful."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dropout_cli.core.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class UnknownName(LookupError):
    """No class is registered under that name; the message suggests the nearest one."""


def did_you_mean(word: str, known: list[str]) -> str:
    """Return `Did you mean 'x'? ` for the nearest known word, or nothing."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else ""


class Registry(Generic[T]):
    """The classes that a YAML key can choose between.

    `kind` is the word for messages ("variant"), `tag` the YAML key that holds the name, and
    `package` the package whose modules register themselves when they are imported, which happens
    at the first lookup: a new file in it is found without being named anywhere. Other packages add
    to it through the entry points of the group `plugins`, each of which has the name of a
    class and names the module that registers it.
    """

    def __init__(self, kind: str, *, package: str, tag: str = "name", plugins: str | None = None) -> None:
        """Make an empty registry; nothing is imported yet."""
        self.kind = kind
        self.tag = tag
        self._package = package
        self._plugins = plugins
        self._classes: dict[str, type[T]] = {}
        self._complete = False

    def register(self, name: str) -> Callable[[type[T]], type[T]]:
        """Return a class decorator that registers under `name`; a second class of that name is refused."""

        def add(cls: type[T]) -> type[T]:
            if name in self._classes:
                raise ValueError(f"{self.kind} '{name}' is registered twice: {self._classes[name]} and {cls}")
            self._classes[name] = cls
            return cls

        return add

    def names(self) -> list[str]:
        """All names, sorted."""
        self._import_all()
        return sorted(self._classes)

    def name_of(self, cls: type) -> str:
        """The name under which `cls` is registered."""
        self._import_all()
        return next(name for name, known in self._classes.items() if known is cls)

    def __getitem__(self, name: str) -> type[T]:
        """The class of that name. Raises UnknownName."""
        self._import_all()
        try:
            return self._classes[name]
        except KeyError:
            hint = did_you_mean(name, list(self._classes))
            choices = ", ".join(self.names())
            raise UnknownName(
                f"unknown {self.kind} '{name}'. {hint} Choose from: {choices}".replace("  ", " ")
            ) from None

    def __iter__(self) -> Iterator[tuple[str, type[T]]]:
        """Pairs of name and class, sorted by name."""
        return iter([(name, self._classes[name]) for name in self.names()])

    def _import_all(self) -> None:
        if self._complete:
            return
        self._complete = True
        module = importlib.import_module(self._package)
        for found in pkgutil.iter_modules(getattr(module, "__path__", [])):
            importlib.import_module(f"{self._package}.{found.name}")
        if self._plugins is not None:
            self._load_plugins(self._plugins)

    def _load_plugins(self, group: str) -> None:
        """Import what the entry points name. Raises UsageError, at every lookup, whatever goes wrong in there."""
        from importlib.metadata import entry_points  # not at the top: `dropout --help` would pay for it

        for point in entry_points(group=group):
            before = dict(self._classes)
            try:
                point.load()
                self._inspect(point.name)
            except (Exception, SystemExit) as error:
                self._classes, self._complete = before, False
                raise _broken(point, error) from error

    def _inspect(self, name: str) -> None:
        """Raise TypeError or LookupError where an entry point's name does not stand for a class that can be used."""
        if name not in self._classes:
            raise LookupError(f"it registers no {self.kind} of that name")
        cls = self._classes[name]
        missing = ", ".join(sorted(getattr(cls, "__abstractmethods__", ())))
        if missing:
            raise TypeError(f"{cls.__name__} lacks {missing}")
        if not is_dataclass(cls):
            raise TypeError(f"{cls.__name__} is not a dataclass")


def _broken(point: "EntryPoint", error: BaseException) -> UsageError:
    package = point.dist.name if point.dist else "another package"
    fact = f"entry point '{point.name}' of {point.group} cannot be loaded ({type(error).__name__}: {error})"
    return UsageError(package, fact, "Mend or uninstall that package.")


@dataclass(frozen=True)
class Choice:
    """Annotation of a dataclass field: its value is one of the registry's classes, picked by the tag."""

    registry: Registry[Any]

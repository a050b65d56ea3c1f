"""Name -> class. A choice in YAML is a lookup here, and a miss is helpful."""

import importlib
import pkgutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from dropout_cli.core.errors import Problem
from dropout_cli.core.renamed import RenamedName

T = TypeVar("T")


class UnknownName(LookupError):
    """No class is registered under that name; the message suggests the nearest one."""


class UnusablePlugin(UnknownName):
    """A class of that name comes with another package and cannot be used; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        """Take the problem that was found when the package was loaded."""
        super().__init__(problem)
        self.problem = problem


class PluginWarning(UserWarning):
    """A part of another package cannot be used and is left out."""


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
    class and names the module that registers it. What cannot be used of them is left out, with a warning.
    """

    def __init__(self, kind: str, *, package: str, tag: str = "name", plugins: str | None = None) -> None:
        """Make an empty registry; nothing is imported yet."""
        self.kind = kind
        self.tag = tag
        self._package = package
        self._plugins = plugins
        self._classes: dict[str, type[T]] = {}
        self._left_out: dict[str, Problem] = {}
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
        """Return the class of a name.

        Raises:
            UnknownName: There is none.
            LeftOut: A package has one that cannot be used.
        """
        self._import_all()
        try:
            return self._classes[name]
        except KeyError:
            if name in self._left_out:
                raise UnusablePlugin(self._left_out[name]) from None
            hint = did_you_mean(name, list(self._classes))
            choices = ", ".join(self.names())
            raise UnknownName(
                f"unknown {self.kind} '{name}'. {hint} Choose from: {choices}".replace("  ", " ")
            ) from None

    def __iter__(self) -> Iterator[tuple[str, type[T]]]:
        """Pairs of name and class, sorted by name."""
        return iter([(name, self._classes[name]) for name in self.names()])

    def unusable_plugins(self) -> dict[str, Problem]:
        """The names that other packages have classes for which cannot be used, sorted, and why."""
        self._import_all()
        return dict(sorted(self._left_out.items()))

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
        """Import what the entry points name; leave out, with a warning, whatever cannot be used."""
        from importlib.metadata import entry_points  # not at the top: `dropout --help` would pay for it

        for point in entry_points(group=group):
            package = point.dist.name if point.dist else point.module
            before = dict(self._classes)
            try:
                point.load()
            except RenamedName as error:
                self._classes = before
                self._leave_out(point.name, package, error.problems[0].fact, f"Rename it in {package}")
            except (Exception, SystemExit) as error:
                self._classes = before
                self._leave_out(
                    point.name, package, f"{point.value} cannot be loaded ({type(error).__name__}: {error})"
                )
            else:
                for name in sorted({point.name, *self._classes} - {*before, *self._left_out}):
                    self._inspect(name, package)

    def _inspect(self, name: str, package: str) -> None:
        """Leave out what another package registers under that name where it is no class that can be used."""
        cls = self._classes.get(name)
        if cls is None:
            self._leave_out(name, package, f"no {self.kind} of that name is registered")
        elif missing := ", ".join(sorted(getattr(cls, "__abstractmethods__", ()))):
            self._leave_out(name, package, f"{cls.__name__} lacks {missing}")
        elif not is_dataclass(cls):
            self._leave_out(name, package, f"{cls.__name__} is not a dataclass")

    def _leave_out(self, name: str, package: str, reason: str, way_out: str = "") -> None:
        self._classes.pop(name, None)
        fact = f"{self.kind} '{name}' is left out: {reason}"
        self._left_out[name] = Problem(package, fact, way_out or f"Mend or uninstall {package}")
        warnings.warn(str(self._left_out[name]), PluginWarning, stacklevel=2)


@dataclass(frozen=True)
class Choice:
    """Annotation of a dataclass field: its value is one of the registry's classes, picked by the tag."""

    registry: Registry[Any]

"""Name -> class. A choice in YAML is a lookup here, and a miss is helpful."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, is_dataclass
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from dropout_cli.core.errors import Problem
from dropout_cli.core.plugins import PluginGroup

T = TypeVar("T")


class UnknownName(LookupError):
    """No class is registered under that name; the message suggests the nearest one."""


class UnusablePlugin(UnknownName):
    """A class of that name comes with another package and cannot be used; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        """Take the problem that was found when the package was loaded."""
        super().__init__(problem)
        self.problem = problem


def did_you_mean(word: str, known: list[str]) -> str:
    """Return `Did you mean 'x'? ` for the nearest known word, or nothing."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else ""


def suggest_names(word: str, known: Iterable[str]) -> str:
    """Return `Did you mean 'x'? Choose from: ...` for an unknown name."""
    names = list(known)
    return f"{did_you_mean(word, names)} Choose from: {', '.join(names)}.".lstrip()


class Registry(Generic[T]):
    """The classes that a YAML key can choose between.

    `kind` is the word for messages ("variant"), `tag` the YAML key that holds the name, and
    `package` the package whose modules register themselves when they are imported, which happens
    at the first lookup: a new file in it is found without being named anywhere. Other packages add
    to it through the entry points of the group `plugins`, each of which has the name of a
    class and names the module that registers it. What cannot be used of them is left out, with a warning:
    what is no dataclass, what lacks a method, and what `unusable` gives a reason for.
    """

    def __init__(
        self,
        kind: str,
        *,
        package: str,
        tag: str = "name",
        plugins: str | None = None,
        unusable: Callable[[type], str] = lambda cls: "",
    ) -> None:
        """Make an empty registry; nothing is imported yet."""
        self.kind = kind
        self.tag = tag
        self._package = package
        self._plugins = PluginGroup(kind, plugins) if plugins is not None else None
        self._unusable = unusable
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
        """Return the class of a name.

        Raises:
            UnknownName: There is none.
            UnusablePlugin: A package has one that cannot be used.
        """
        self._import_all()
        try:
            return self._classes[name]
        except KeyError:
            if name in (left_out := self.unusable_plugins()):
                raise UnusablePlugin(left_out[name]) from None
            raise UnknownName(f"unknown {self.kind} '{name}'. {suggest_names(name, self.names())}") from None

    def __iter__(self) -> Iterator[tuple[str, type[T]]]:
        """Pairs of name and class, sorted by name."""
        return iter([(name, self._classes[name]) for name in self.names()])

    def unusable_plugins(self) -> dict[str, Problem]:
        """The names that other packages have classes for which cannot be used, sorted, and why."""
        self._import_all()
        return {} if self._plugins is None else dict(sorted(self._plugins.left_out.items()))

    def origin(self, name: str) -> str:
        """Return package and version, such as `continuous-dropout 0.1`; nothing for a class of this program."""
        self._import_all()
        return "" if self._plugins is None else self._plugins.origins.get(name, "")

    def package_column(self, name: str) -> dict[str, str]:
        """Return `package` and the origin, for a row of a list; nothing for a class of this program."""
        return {"package": origin} if (origin := self.origin(name)) else {}

    def _import_all(self) -> None:
        if self._complete:
            return
        self._complete = True
        module = importlib.import_module(self._package)
        for found in pkgutil.iter_modules(getattr(module, "__path__", [])):
            importlib.import_module(f"{self._package}.{found.name}")
        if self._plugins is not None:
            self._plugins.load_once(
                self._classes, name=str, module=lambda cls: cls.__module__, unusable=self._reason_unusable
            )

    def _reason_unusable(self, cls: type[T]) -> str:
        """Return why a class of another package cannot be used, or nothing."""
        if missing := ", ".join(sorted(getattr(cls, "__abstractmethods__", ()))):
            return f"{cls.__name__} lacks {missing}"
        return self._unusable(cls) if is_dataclass(cls) else f"{cls.__name__} is not a dataclass"


@dataclass(frozen=True)
class Choice:
    """Annotation of a dataclass field: its value is one of the registry's classes, picked by the tag."""

    registry: Registry[Any]

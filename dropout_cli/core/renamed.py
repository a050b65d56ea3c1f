"""Names that have changed: code that uses an old name gets an error with the new one.

A class that others derive from, or use, takes `ReportsRenamed` as a base and lists its changes in `RENAMED`, old name
to new name. A subclass that defines an old name is refused when it is defined. Reading or assigning an old name raises
an error with the new one.
"""

import sys
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

from dropout_cli.core.errors import UsageError


class RenamedName(UsageError):
    """Code uses a name of an older version."""


class RenamedAttribute(RenamedName, AttributeError):
    """An attribute of an object has another name now."""


class RenamedImport(RenamedName, ImportError):
    """A name in a module has changed. An AttributeError would not do: `import` hides its text."""


class OldName:
    """An attribute under its old name: reading and assigning it raise RenamedAttribute."""

    def __init__(self, old: str, new: str) -> None:
        """Keep both names for the message."""
        self._old, self._new = old, new

    def __get__(self, instance: object, owner: type) -> NoReturn:
        """Refuse to read it."""
        self._refuse(owner, "uses")

    def __set__(self, instance: object, value: object) -> NoReturn:
        """Refuse to assign it: the value would be lost."""
        self._refuse(type(instance), "assigns")

    def _refuse(self, cls: type, verb: str) -> NoReturn:
        user = sys._getframe(2).f_globals.get("__name__", "")
        raise RenamedAttribute(
            user, f"{verb} {cls.__name__}.{self._old}, which is now called {self._new}", "Rename it there"
        )


class ReportsRenamed:
    """A base class whose attributes had other names before."""

    RENAMED: ClassVar[Mapping[str, str]] = {}
    """Old name -> new name, of this class alone; subclasses have tables of their own."""

    def __init_subclass__(cls, **settings: Any) -> None:
        """Refuse old names that the class defines, and put its own old names in place.

        Raises:
            RenamedName: The class defines a method, an attribute or a field by an old name of its bases.
        """
        super().__init_subclass__(**settings)
        for old, new in _renamed(cls.__mro__[1:]).items():
            if old in vars(cls) or old in vars(cls).get("__annotations__", {}):
                fact = f"{cls.__qualname__} defines {old}, which is now called {new}"
                raise RenamedName(cls.__module__, fact, f"Rename it in {cls.__module__}")
        # Descriptors and no `__getattr__`: with one, Python does not specialize any look-up of an attribute, and the
        # step of a small network takes 4 % longer.
        for old, new in vars(cls).get("RENAMED", {}).items():
            if old not in vars(cls):
                setattr(cls, old, OldName(old, new))


def _renamed(classes: tuple[type, ...]) -> dict[str, str]:
    """Return the joined tables of some classes; a subclass has priority over its base."""
    return {old: new for cls in reversed(classes) for old, new in vars(cls).get("RENAMED", {}).items()}


def missing_name(module: str, name: str, renamed: Mapping[str, str]) -> NoReturn:
    """Raise what a module's `__getattr__` has to raise for a name that it lacks.

    Raises:
        RenamedImport: `renamed` has the name; the text says the new one.
        AttributeError: it does not.
    """
    if name in renamed:
        raise RenamedImport("", f"{module}.{name} is now called {renamed[name]}", "Import it by that name")
    raise AttributeError(f"module '{module}' has no attribute '{name}'")

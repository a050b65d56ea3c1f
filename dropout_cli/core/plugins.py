"""Classes and metrics that other packages add, through entry points of a group.

An entry point has the name of what it adds, and names the module that registers it. Only packages that are installed on
this machine have entry points: no file of a run or of the working directory is imported. What cannot be used is left
out, with a warning.
"""

import warnings
from collections.abc import Callable, Hashable, MutableMapping
from typing import TypeVar

from dropout_cli.core.errors import Problem
from dropout_cli.core.renamed import RenamedName

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

OWN_PACKAGE = "dropout_cli"
"""The top module of everything that is not a plugin."""


class PluginWarning(UserWarning):
    """A part of another package cannot be used and is left out."""


class PluginGroup:
    """The entry points of one group, which are loaded once.

    Attributes:
        left_out: Name -> why it cannot be used.
        origins: Name -> package and version, such as `continuous-dropout 0.1`.
    """

    def __init__(self, kind: str, group: str) -> None:
        """Keep the names; nothing is imported yet.

        Args:
            kind: The word for messages, such as `variant`.
            group: The name of the group, such as `dropout_cli.variants`.
        """
        self.left_out: dict[str, Problem] = {}
        self.origins: dict[str, str] = {}
        self._kind = kind
        self._group = group
        self._loaded = False

    def load_once(
        self,
        registered: MutableMapping[K, V],
        *,
        name: Callable[[K], str],
        module: Callable[[V], str],
        unusable: Callable[[V], str],
    ) -> None:
        """Import the modules that the entry points name, and remove again what cannot be used.

        Args:
            registered: The table to which the modules add when they are imported.
            name: Returns the name of a key of the table.
            module: Returns the module that defines a value of the table.
            unusable: Returns why a value of the table cannot be used, or nothing.
        """
        if self._loaded:
            return
        self._loaded = True
        from importlib.metadata import entry_points  # not at the top: `dropout --help` would pay for it

        for point in entry_points(group=self._group):
            package = point.dist.name if point.dist else point.module
            before = dict(registered)
            try:
                point.load()
            except (Exception, SystemExit) as error:
                registered.clear()
                registered.update(before)
                fact, way_out = f"{point.value} cannot be loaded ({type(error).__name__}: {error})", ""
                if isinstance(error, RenamedName):
                    fact, way_out = error.problems[0].fact, f"Rename it in {package}"
                self._leave_out(point.name, package, fact, way_out)
                continue
            # A module that was imported before, by code that uses it directly, has registered its own already.
            added = {key: value for key, value in registered.items() if key not in before or name(key) == point.name}
            added = {key: value for key, value in added.items() if module(value).partition(".")[0] != OWN_PACKAGE}
            for each in sorted({point.name, *map(name, added)} - {*self.left_out, *self.origins}):
                keys = [key for key in added if name(key) == each]
                reasons = [reason for key in keys if (reason := unusable(added[key]))]
                if keys and not reasons:
                    self.origins[each] = f"{package} {point.dist.version}" if point.dist else package
                    continue
                for key in keys:
                    del registered[key]
                self._leave_out(each, package, reasons[0] if reasons else f"no {self._kind} of that name is registered")

    def _leave_out(self, name: str, package: str, reason: str, way_out: str = "") -> None:
        fact = f"{self._kind} '{name}' is left out: {reason}"
        self.left_out[name] = Problem(package, fact, way_out or f"Update or uninstall {package}")
        warnings.warn(str(self.left_out[name]), PluginWarning, stacklevel=2)

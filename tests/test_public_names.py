"""One word has one meaning: no two public classes or functions of the package share a name."""

import ast
from collections import defaultdict
from pathlib import Path

import dropout_cli

PACKAGE = Path(dropout_cli.__file__).parent
USERS_NAMES = (PACKAGE / "cli/commands", PACKAGE / "api")
"""A command and a function of the Python API have the name that users type, and may call one of the same name."""

ALLOWED: dict[str, str] = {}
"""Name -> the reason why two definitions of it are one meaning."""


def definitions() -> dict[str, list[str]]:
    """Return every public class and function at the top of a module, with the modules that define it."""
    found = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        if not any(map(path.is_relative_to, USERS_NAMES)):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                    found[node.name].append(path.relative_to(PACKAGE).as_posix())
    return dict(found)


def test_no_two_public_classes_or_functions_share_a_name() -> None:
    """A name that two modules define makes a reader ask which one is meant."""
    shared = {name: modules for name, modules in definitions().items() if len(modules) > 1 and name not in ALLOWED}
    assert not shared, "\n".join(f"{name}: {', '.join(modules)}" for name, modules in sorted(shared.items()))


def test_the_exceptions_are_still_needed() -> None:
    """Every allowed name is defined twice today."""
    known = definitions()
    assert all(len(known.get(name, ())) > 1 for name in ALLOWED)

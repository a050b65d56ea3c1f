"""The layout: a module imports from its own level or below, never up, never in a circle."""

import ast
import importlib.util
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import dropout_cli
from dropout_cli.sweeps.workers import local

PACKAGE = Path(dropout_cli.__file__).parent
ROOT = Path(__file__).parent.parent

LEVELS = (
    {"core"},
    {"nn", "data", "runs", "statistics"},
    {"variants", "metrics"},
    {"architectures", "objectives", "plots"},
    {"config", "tasks"},
    {"training"},
    {"analysis", "bench"},
    {"sweeps"},
    {"report", "export", "estimators"},
    {"cli", "api", "__main__"},
)

HEAVY = {
    "sklearn",
    "pandas",
    "matplotlib",
    "pydantic",
    "scipy",
    "distributed",
    "optuna",
    "onnx",
    "onnxruntime",
    "tensorboard",
}


def name_of(path: Path) -> str:
    """`dropout_cli.nn.layers.dense` for its file; a package goes by its own name."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room(module: str) -> str:
    """Return the first word after the package's name."""
    return module.split(".")[1]


def level(module: str) -> int:
    """The level of the room that the module is in."""
    return next(number for number, rooms in enumerate(LEVELS) if room(module) in rooms)


def imports(tree: ast.AST) -> set[str]:
    """The full names of what is imported, modules where a name is one."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
    return found


def ours(module: str) -> set[str]:
    """The modules of this package that `module` imports, anywhere in its text."""
    found = imports(ast.parse(MODULES[module].read_text()))
    return {name for name in found if name.startswith("dropout_cli.") and name != module}


def test_modules_import_from_their_own_level_or_below() -> None:
    """Never from a higher level; a module that is in no room of the table has no place yet."""
    upward = {
        f"{module} (level {level(module)}) imports {name} (level {level(name)})"
        for module in MODULES
        if "." in module
        for name in ours(module)
        if level(name) > level(module)
    }
    assert not upward


def test_no_circle_of_imports() -> None:
    """Modules can be read in an order in which each comes after all that it uses."""
    graph = {module: ours(module) for module in MODULES if "." in module}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_table_in_the_docs_is_this_one() -> None:
    """Every level with its rooms; `__main__` is a file, not a room."""
    rows = re.findall(r"^\| (\d) \| (`.*?) \|", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE)
    written = {int(number): set(re.findall(r"`(\w+)/`", rooms)) for number, rooms in rows}
    assert written == {number: rooms - {"__main__"} for number, rooms in enumerate(LEVELS)}


def test_the_drawing_in_the_docs_shows_every_room_on_its_level() -> None:
    """Rooms of one level stand side by side, higher levels above lower ones."""
    drawing = (ROOT / "docs/architecture.svg").read_text()
    drawn: dict[int, set[str]] = {}
    for height, name in re.findall(r'y="(\d+)" text-anchor="middle">(\w+)/<', drawing):
        drawn.setdefault(int(height), set()).add(name)
    assert [drawn[height] for height in sorted(drawn, reverse=True)] == [rooms - {"__main__"} for rooms in LEVELS]


def test_nothing_lies_outside_the_rooms() -> None:
    """Every module but `__main__` is in a package of the table, and every package of the table exists."""
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set().union(*LEVELS) - {"__main__"}


def test_the_tests_mirror_the_rooms() -> None:
    """Every room has a folder of tests, and every folder of tests has a room."""
    rooms = {path.parent.relative_to(ROOT / "tests").as_posix() for path in (ROOT / "tests").rglob("test_*.py")} - {"."}
    assert {room.split("/")[0] for room in rooms} == set().union(*LEVELS) - {"__main__"}
    assert all((PACKAGE / room).is_dir() for room in rooms)


ENTRY_POINTS = {"dropout_cli.datasets"}
"""Groups of entry points that are no modules."""


def named_in_strings() -> set[str]:
    """Every dotted name below `dropout_cli` or `tests.bench` that a string in the project spells out."""
    dotted = re.compile(r"(?:dropout_cli|tests\.bench)(?:\.\w+)+")
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    texts = [
        node.value
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    texts += [(ROOT / name).read_text() for name in ("pyproject.toml", "README.md", ".ci/run")]
    # The guides name files that their reader writes; tests/test_guides.py runs them.
    pages = [page for page in sorted((ROOT / "docs").glob("*.md")) if not page.name.startswith("write-a-")]
    texts += [page.read_text() for page in pages]
    return {found for text in texts for found in dotted.findall(text)}


def exists(name: str) -> bool:
    """Return True if the name is that of a module, or of an object in one."""
    module, _, attribute = name.rpartition(".")
    try:
        if name in MODULES or importlib.util.find_spec(name) is not None:
            return True
    except ModuleNotFoundError:
        pass
    return hasattr(importlib.import_module(module), attribute)


def test_every_module_named_in_a_string_can_be_found() -> None:
    """Registries, the fork server's preload, `-m`, the plugin group, tools' settings: no import would find a slip."""
    names = named_in_strings()
    assert {"dropout_cli.data.sources", "dropout_cli.sweeps.workers.forkserver_preload", "dropout_cli.cli"} <= names
    assert {name for name in names if not exists(name)} == ENTRY_POINTS
    assert all(importlib.util.find_spec(name) for name in local.PRELOADED)


def test_heavy_libraries_are_imported_where_they_are_needed() -> None:
    """Not at the top of a module: `dropout --help` would pay for them. Bases of classes must be there."""
    for module, path in MODULES.items():
        tree = ast.parse(path.read_text())
        top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
        bases = {"sklearn"} if module.startswith("dropout_cli.estimators") else set()
        assert not {name.split(".")[0] for name in imports(top)} & (HEAVY - bases), module


def test_only_the_python_api_imports_the_estimators() -> None:
    """Their modules import scikit-learn at the top, so nothing else may import them."""
    users = {module for module in MODULES if any("estimators" in name.split(".") for name in ours(module))}
    assert {module for module in users if not module.startswith("dropout_cli.estimators")} <= {"dropout_cli"}


def test_importing_the_package_imports_nothing_heavy() -> None:
    """`import dropout_cli` is quick; the first use of a name of its API imports what that needs."""
    program = "import sys, dropout_cli; print(*sys.modules); dropout_cli.DropoutClassifier; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    before, after = (set(line.split()) for line in done.stdout.splitlines())
    assert not before & (HEAVY | {"numpy", "yaml"}) and {"numpy", "sklearn", "dropout_cli.estimators"} <= after


def test_every_name_of_the_python_api_exists() -> None:
    """As `__all__` lists them; a wrong name is an AttributeError."""
    assert all(hasattr(dropout_cli, name) and name in dir(dropout_cli) for name in dropout_cli.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'DropoutCalssifier'"):
        getattr(dropout_cli, "Dropout" + "Calssifier")


def test_only_rng_makes_generators() -> None:
    """No other module names a constructor of generators or the legacy functions of NumPy."""
    for module, path in MODULES.items():
        # The programs in examples of variants run outside of the package.
        if module not in ("dropout_cli.core.rng", "dropout_cli.variants.toolkit.example"):
            text = path.read_text()
            assert "default_rng" not in text and "SeedSequence" not in text and "np.random." not in text, module


def _without_docstrings(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
    return tree


def test_nothing_is_unpickled_or_executed() -> None:
    """No module reads what could run: no pickle in any dress, no loader of YAML that makes objects."""
    forbidden = re.compile(
        r"pickle(?!=False)|\bdill\b|joblib|shelve|marshal|torch\.load|np\.load\(|yaml\.(load|unsafe_load|full_load)\("
        r"|\b(Unsafe|Full|C)?Loader=yaml\.(Unsafe|Full)?Loader"
    )
    for module, path in MODULES.items():
        called = {
            node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
        }
        assert not called & {"eval", "exec", "compile_command", "unsafe_load"}, module
        code = "\n".join(line for line in ast.unparse(_without_docstrings(path)).splitlines())
        assert not forbidden.search(code), (module, forbidden.search(code))


def test_no_file_is_long() -> None:
    """A file that passes 300 lines holds a second idea."""
    files = [path for place in ("dropout_cli", "tests") for path in (ROOT / place).rglob("*.py")]
    assert not {str(path) for path in files if len(path.read_text().splitlines()) > 300}

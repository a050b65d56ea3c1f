"""The house has floors: a module imports from its own level or below, never up, never in a ring."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import dropout_cli

PACKAGE = Path(dropout_cli.__file__).parent

LEVELS = (
    {"errors", "registry", "fields", "arrays", "npz", "visible", "streams", "locks", "environment"},
    {"nn", "threads", "blas"},
    {"variants", "objectives", "data"},
    {"architectures"},
    {"config", "learner", "selection", "evaluation", "metrics", "training", "monte_carlo", "statistics"}
    | {"tasks", "plots"},
    {
        "runs",
        "checkpoint",
        "preparation",
        "trained",
        "inheritance",
        "resuming",
        "lengthening",
        "experiment",
    }
    | {"report"}
    | {"run_table", "after", "effects", "advice", "prediction", "verification", "replay", "doctor", "sweeps", "tuning"},
    {"bench", "cli", "__main__"},
)

HEAVY = {"sklearn", "pandas", "matplotlib", "pydantic", "scipy", "distributed", "optuna"}


def name_of(path: Path) -> str:
    """`dropout_cli.nn.dense` for its file; a package goes by its own name."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room(module: str) -> str:
    """The first word after the package's name."""
    return module.split(".")[1]


def level(module: str) -> int:
    """The floor on which the module's room is."""
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


@pytest.mark.parametrize("module", [name for name in MODULES if "." in name])
def test_a_module_imports_from_its_own_level_or_below(module: str) -> None:
    """The table above is the design's; a module that is not in it has no place yet."""
    higher = {name for name in ours(module) if level(name) > level(module)}
    assert not higher, f"{module} (level {level(module)}) looks up to {higher}"


def test_no_ring_of_imports() -> None:
    """Modules can be read in an order in which each comes after all that it uses."""
    graph = {module: ours(module) for module in MODULES if "." in module}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("module", list(MODULES))
def test_heavy_libraries_are_imported_where_they_are_needed(module: str) -> None:
    """Not at the top of a module: `dropout --help` would pay for them."""
    tree = ast.parse(MODULES[module].read_text())
    top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    assert not {name.split(".")[0] for name in imports(top)} & HEAVY


def test_only_streams_makes_generators() -> None:
    """Randomness has a name, not a history: no other module names a generator's constructor or the legacy functions."""
    for module, path in MODULES.items():
        if module != "dropout_cli.streams":
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

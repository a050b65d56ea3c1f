"""The text of an exported program: the parts of our own modules that it needs."""

import ast
import inspect
from collections.abc import Collection, Iterable, Sequence
from types import ModuleType

TABLE = "OPERATIONS"
"""The name of a dictionary, of which a program needs the entries that it uses."""


LIBRARIES = ("numpy", "safetensors", "torch")
"""Packages whose imports follow those of the standard library."""


def program_text(modules: Sequence[ModuleType], roots: Iterable[str], kinds: Collection[str]) -> str:
    """Return functions and variables of modules, with all that they use and import.

    Args:
        modules: The modules, in the order of their texts.
        roots: The names of the functions to begin with.
        kinds: The keys of `OPERATIONS` to keep.
    """
    texts: dict[str, str] = {}
    imports: dict[str, tuple[str, str]] = {}
    for module in modules:
        source = inspect.getsource(module)
        nodes = ast.parse(source).body
        for place, node in enumerate(nodes):
            text = ast.get_source_segment(source, node) or ""
            if isinstance(node, ast.FunctionDef):
                texts[node.name] = text
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                name = node.target.id
                texts[name] = _selected_entries(source, node, kinds) if name == TABLE else text
                if _is_text(following := nodes[place + 1]):  # the description of a variable
                    texts[name] += f"\n{ast.get_source_segment(source, following)}"
            elif isinstance(node, ast.Import | ast.ImportFrom):
                imports |= _names_of(node)
    used = _reachable(texts, roots)
    names = set().union(*(_names_in(texts[name]) for name in used))
    external = [place for name, place in imports.items() if name in names and name not in texts]
    return _import_lines(external) + "".join(f"\n\n\n{text}" for name, text in texts.items() if name in used) + "\n"


def _selected_entries(source: str, node: ast.AnnAssign, kinds: Collection[str]) -> str:
    """Return a dictionary with the entries of some keys."""
    assert isinstance(node.value, ast.Dict)
    lines = [
        f"    {key.value!r}: {ast.get_source_segment(source, value)},".replace("'", '"')
        for key, value in zip(node.value.keys, node.value.values, strict=True)
        if isinstance(key, ast.Constant) and key.value in kinds
    ]
    return "\n".join([f"{TABLE}: dict[str, Any] = {{", *lines, "}"])


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _names_of(node: ast.Import | ast.ImportFrom) -> dict[str, tuple[str, str]]:
    """Return the imported names, each with its module and the words after `import`."""
    module = "" if isinstance(node, ast.Import) else node.module or ""
    words = {alias.asname or alias.name: f" as {alias.asname}" if alias.asname else "" for alias in node.names}
    return {known: (module, alias.name + words[known]) for alias in node.names if (known := alias.asname or alias.name)}


def _import_lines(places: Iterable[tuple[str, str]]) -> str:
    """Return the lines that import names: those of the standard library first."""
    grouped: dict[str, list[str]] = {}
    for module, words in places:
        grouped.setdefault(module or f" {words}", []).append(words)
    lines = [
        f"import {key[1:]}" if key[0] == " " else f"from {key} import {', '.join(sorted(words))}"
        for key, words in grouped.items()
    ]
    blocks = [
        [line for line in lines if (line.split()[1].split(".")[0] in LIBRARIES) == other] for other in (False, True)
    ]
    return "\n\n".join("\n".join(sorted(block, key=lambda line: line.startswith("from"))) for block in blocks if block)


def _names_in(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def _reachable(texts: dict[str, str], roots: Iterable[str]) -> set[str]:
    """Return the names that the roots use, directly or not."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in texts and name not in found:
            found.add(name)
            waiting += _names_in(texts[name])
    return found

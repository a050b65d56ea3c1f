"""Windows and macOS, as far as they can be simulated on Linux, and what is stored in files on every system."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

import dropout_cli
from dropout_cli.core.shell_words import join_words, quote_for_windows, quote_word
from dropout_cli.runs.safe_read import stays_inside
from tests.checkout import ROOT
from tests.simulated_platform import is_valid_on_windows, simulated

PACKAGE = Path(dropout_cli.__file__).parent
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux simulates the other systems")

COMMANDS = (
    ("train", "digits", "training.epochs=1"),
    ("show", "latest"),
    ("verify", "latest", "--replay"),
    ("eval", "latest", "--mc", "2"),
    ("resume", "latest", "--epochs", "2", "--change-schedule"),
    ("report", "latest"),
    ("sweep", "digits", "dropout.rate=0,0.3", "training.epochs=1", "training.steps_per_epoch=5", "--seeds", "1"),
    ("verify", "runs/sweep-digits"),
    ("runs",),
    ("doctor", "--seconds", "0"),
)
RUN_COMMANDS = """
import json, sys
from pathlib import Path
from tests.commands import dropout
for command in json.loads(sys.argv[1]):
    done = dropout(*command, cwd=Path())
    assert done.returncode == 0, (command, done.stdout, done.stderr)
"""
IMPORT_ALL = """
import importlib, pkgutil, sys
import dropout_cli
for module in pkgutil.walk_packages(dropout_cli.__path__, "dropout_cli."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def run_simulated(platform: str, folder: Path, code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in a simulation of a platform."""
    env = {**os.environ, **simulated(folder / "site", platform)}
    (folder / "work").mkdir()
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, cwd=folder / "work", env=env, capture_output=True, text=True, timeout=400, check=False
    )


@LINUX
@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_every_module_can_be_imported(platform: str, tmp_path: Path) -> None:
    """No module needs more than the platform has while it is imported."""
    done = run_simulated(platform, tmp_path, IMPORT_ALL)
    assert done.returncode == 0, done.stderr


@LINUX
@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_main_commands_work(platform: str, tmp_path: Path) -> None:
    """From a training to the check of a sweep; the runs of the sweep are trained in processes of their own."""
    done = run_simulated(platform, tmp_path, RUN_COMMANDS, json.dumps(COMMANDS))
    assert done.returncode == 0, done.stderr
    names = [path.name for path in (tmp_path / "work").rglob("*")]
    assert len(names) > 50 and all(is_valid_on_windows(name) for name in names)
    assert not list((tmp_path / "work/runs/sweep-digits/failed").glob("*"))


@LINUX
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import fcntl", "ModuleNotFoundError"),
        ("import os; os.fork()", "AttributeError"),
        ("import signal; signal.SIGKILL", "AttributeError"),
        ("open('a:b', 'w')", "Invalid argument"),
        ("open('aux.txt', 'w')", "Invalid argument"),
        ("import os; file = open('a', 'w'); os.remove('a')", "used by another process"),
        ("import os; os.mkdir('a'); file = open('a/b', 'w'); os.rename('a', 'c')", "used by another process"),
        ("import os; os.mkdir('a'); os.mkdir('b'); os.replace('a', 'b')", "Access is denied"),
        ("import os; os.open('.', os.O_RDONLY)", "Permission denied"),
        ("open('/proc/cpuinfo')", "No such file"),
    ],
)
def test_the_simulation_of_windows_refuses_what_windows_refuses(code: str, error: str, tmp_path: Path) -> None:
    """The tests above could fail."""
    done = run_simulated("win32", tmp_path, code)
    assert done.returncode == 1 and error in done.stderr, done.stderr


@LINUX
def test_the_simulation_of_windows_locks_files(tmp_path: Path) -> None:
    """The branch for Windows of the locks is the one that runs, and a second process sees a lock."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom dropout_cli.core import locks\n"
        "assert not hasattr(locks, 'fcntl') and locks.msvcrt\n"
        "with locks.locked(Path('x')):\n    assert locks.is_locked(Path('x'))\n"
        "assert not locks.is_locked(Path('x'))\n"
        "assert not locks.is_locked(Path('x'))\n"
    )
    done = run_simulated("win32", tmp_path, code)
    assert done.returncode == 0, done.stderr


def test_file_names_of_the_repository_are_valid_everywhere() -> None:
    """No reserved name or character, no two names that differ only in case, and no long path."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    files = done.stdout.splitlines() or [str(path.relative_to(ROOT)) for path in PACKAGE.rglob("*.py")]
    assert all(is_valid_on_windows(part) for file in files for part in file.split("/"))
    assert len({file.lower() for file in files}) == len(files) and max(map(len, files)) < 140


@pytest.mark.parametrize("name", ["../a", "/a", "C:a", "C:\\a", "\\a", "..\\a", "a\\..\\b", "a.txt:stream", ""])
def test_a_name_that_leads_out_of_a_folder_is_refused_on_windows(name: str) -> None:
    """Drives and roots without a drive are no absolute paths there, but lead out all the same."""
    assert not stays_inside(PureWindowsPath(name))


@pytest.mark.parametrize("name", ["a", "checkpoints/last.safetensors", "a/b/c.png"])
def test_a_name_in_a_folder_is_accepted_on_every_system(name: str) -> None:
    """The names in manifests have slashes on every system."""
    assert stays_inside(PureWindowsPath(name)) and stays_inside(PurePosixPath(name))


def test_a_colon_in_a_name_is_accepted_on_posix() -> None:
    """There it has no meaning; `..` and `/` are refused."""
    assert stays_inside(PurePosixPath("a:b"))
    assert not stays_inside(PurePosixPath("/a")) and not stays_inside(PurePosixPath("a/../../b"))


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        (r"C:\runs\a", r"C:\runs\a"),
        (r"C:\my runs\a", r'"C:\my runs\a"'),
        ("C:\\my runs\\", '"C:\\my runs\\\\"'),
        ("dropout.rate=0,0.3", '"dropout.rate=0,0.3"'),
        ("it's", '"it\'s"'),
        ("a&b", '"a&b"'),
        ("", '""'),
    ],
)
def test_printed_commands_are_quoted_for_windows(word: str, quoted: str) -> None:
    """With double quotes, as cmd knows no others, and without quotes for a plain path."""
    assert quote_for_windows(word) == quoted


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_printed_commands_are_quoted_for_a_posix_shell() -> None:
    """With single quotes, and only if they are needed."""
    assert join_words(["dropout", "train", "my runs/it's.yaml"]) == """dropout train 'my runs/it'"'"'s.yaml'"""
    assert quote_word("runs/a_b-1.0") == "runs/a_b-1.0"


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls in a module with the last part of the name of the function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", ""), node


def text_without_encoding(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that open a file as text with the encoding or the line ends of the system."""
    for name, call in calls(tree):
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in ("os", "archive"):
            continue  # a descriptor, or a file in an archive
        named = {one.arg for one in call.keywords}
        after = call.args[1:] if isinstance(call.func, ast.Name) else call.args  # a mode can be a named constant
        modes: list[object] = [
            arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
        ]
        modes += [one.value.value for one in call.keywords if one.arg == "mode" and isinstance(one.value, ast.Constant)]
        is_binary = any("b" in str(mode) for mode in modes) or any(isinstance(arg, ast.Name) for arg in after)
        if name == "read_text" and "encoding" not in named | ({"encoding"} if call.args else set()):
            yield call.lineno
        if name == "write_text" and not {"encoding", "newline"} <= named:
            yield call.lineno
        if name == "TextIOWrapper" and ("newline" not in named or ("encoding" not in named and len(call.args) < 2)):
            yield call.lineno
        if name in ("open", "fdopen") and not is_binary and call.args and "encoding" not in named:
            yield call.lineno


def test_text_files_have_the_same_bytes_on_every_system() -> None:
    """A file is opened as bytes, or with an encoding; text that is written also says its line ends.

    PLW1514 of ruff finds only calls on a literal `Path(...)`: it does not know the types of variables.
    """
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        found[path.relative_to(PACKAGE).as_posix()] = list(text_without_encoding(ast.parse(path.read_text("utf-8"))))
    assert not {name: lines for name, lines in found.items() if lines}


@pytest.mark.parametrize(
    "code", ["path.read_text()", "path.write_text(a, encoding='utf-8')", "path.open('w')", "open(path, mode='a')"]
)
def test_text_with_the_encoding_of_the_system_is_found(code: str) -> None:
    """The test above could fail."""
    assert list(text_without_encoding(ast.parse(code))) == [1]


def relative_in_text(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that write a relative path with the separator of the system."""
    for node in ast.walk(tree):
        texts = [node.value] if isinstance(node, ast.FormattedValue) else []
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "str":
            texts = list(node.args)
        for text in texts:
            if isinstance(text, ast.Call) and getattr(text.func, "attr", "") == "relative_to":
                yield text.lineno


def test_relative_paths_in_text_have_slashes() -> None:
    """A relative path is stored with the same text on every system."""
    for path in sorted(PACKAGE.rglob("*.py")):
        assert not list(relative_in_text(ast.parse(path.read_text("utf-8")))), path
    assert sorted(relative_in_text(ast.parse("f'{path.relative_to(a)}'\nstr(path.relative_to(a))"))) == [1, 2]

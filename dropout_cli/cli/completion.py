"""Completion on the command line: configs, runs, dotted keys, values, metrics.

Typer asks the functions here when a user presses TAB. To be fast, they read the JSON Schema of the bundled configs and
names of files and entry points; they import neither NumPy nor a plugin. Without an answer, the shell offers files.
"""

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path

import typer

from dropout_cli.cli import schema_keys
from dropout_cli.core.bundled import configs_folder

VARIABLE = "_DROPOUT_COMPLETE"
"""The environment variable with which Typer's scripts ask for completion."""
CONFIG_ENDINGS = (".yaml", ".yml")
DATA_ENDINGS = (
    *(".csv", ".tsv", ".tab", ".txt", ".data", ".dat", ".arff", ".jsonl", ".ndjson"),
    *(".npz", ".npy", ".xlsx", ".xlsm", ".parquet", ".pq"),
)
"""Endings of data files that are offered beside configs; all of them may be followed by `.gz`."""
_PLAIN = re.compile(r"[\w./+,@%=-]+")
"""Words that need no quotes in any shell; others are left to the completion of files by the shell."""

Completer = Callable[[typer.Context, str], list[str]]


def answer_shell(run: Callable[[], object]) -> int:
    """Run the application for a shell that asks for completion; print only its answer.

    Args:
        run: Runs the application.

    Returns:
        The exit code.
    """
    typed = _join_bash_words()
    printed, code = io.StringIO(), 0
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # an error or Ctrl-C must not print into the line that the user is typing
        return 1
    sys.stdout.write("\n".join(line.removeprefix(typed) for line in printed.getvalue().splitlines()))
    return code


def _join_bash_words() -> str:
    """Join `key`, `=` and `value`, which are three words for bash.

    Returns:
        `key=` if the last word is joined, since bash replaces only the part after it; else nothing.
    """
    if os.environ.get(VARIABLE) != "complete_bash":
        return ""
    words = os.environ.get("COMP_WORDS", "").split("\n")[: int(os.environ.get("COMP_CWORD", "0")) + 1]
    joined: list[str] = []
    for position, word in enumerate(words):
        follows = position > 0 and (word == "=" or words[position - 1] == "=")
        if follows and joined:
            joined[-1] += word
        else:
            joined.append(word)
    os.environ |= {"COMP_WORDS": "\n".join(joined), "COMP_CWORD": str(len(joined) - 1)}
    return f"{joined[-1].rpartition('=')[0]}=" if len(joined) < len(words) and "=" in words[-2:] else ""


def _silent(complete: Callable[[typer.Context, str], Iterator[str]]) -> Completer:
    """Return a completer that offers only plain words, and nothing if an error occurs."""

    @wraps(complete)
    def completer(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            words = [word for word in complete(ctx, incomplete) if _PLAIN.fullmatch(word)]
        except Exception:
            return []
        return [word for word in dict.fromkeys(words) if word.startswith(incomplete)]

    return completer


@_silent
def complete_config(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield bundled configs, and YAML files and data in the folder that is typed."""
    folder = configs_folder()
    for path in (*sorted(folder.glob("*.yaml")), *sorted(folder.glob("variants/*.yaml"))):
        yield path.relative_to(folder).with_suffix("").as_posix()
    yield from _files(incomplete, (*CONFIG_ENDINGS, *DATA_ENDINGS))


@_silent
def complete_paper(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the bundled reproductions, and YAML files in the folder that is typed."""
    yield from (path.stem for path in sorted(configs_folder().glob("papers/*.yaml")))
    yield from _files(incomplete, CONFIG_ENDINGS)


@_silent
def complete_run(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield `latest` and the names of the runs in `--runs-dir`."""
    yield "latest"
    yield from _folders(ctx, "state.json")


@_silent
def complete_run_or_sweep(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield `latest` and the names of the runs and sweeps in `--runs-dir`."""
    yield "latest"
    yield from _folders(ctx, "state.json", "plan.json")


@_silent
def complete_compared(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the names of the runs and sweeps in `--runs-dir`."""
    yield from _folders(ctx, "state.json", "plan.json")


@_silent
def complete_setting(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield dotted keys, or the values of a key; for a list with commas, the next value."""
    values = [value for each in ctx.params.values() if isinstance(each, list | tuple) for value in each]
    chosen = dict(word.split("=", 1) for word in values if isinstance(word, str) and "=" in word)
    keys = schema_keys.SchemaKeys(chosen)
    key, equals, typed = incomplete.partition("=")
    if equals:
        before, comma, _ = typed.rpartition(",")
        yield from (f"{key}={before}{comma}{value}" for value in keys.values(key))
        if keys.is_path(key):
            yield from (f"{key}={file}" for file in _files(typed, ("",)))
        return
    found = keys.keys(incomplete)
    # A single word would get a space after it. With the words that go on from it, the shell stops before them.
    while len(found) == 1 and found[0].endswith("."):
        found = keys.keys(found[0])
    yield from found
    if len(found) == 1:
        yield from (f"{found[0]}{value}" for value in keys.values(found[0].removesuffix("=")))


@_silent
def complete_metric(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the metrics; for a list with commas, the next one."""
    before, comma, _ = incomplete.rpartition(",")
    yield from (f"{before}{comma}{metric}" for metric in schema_keys.SchemaKeys({}).metrics())


@_silent
def complete_variant(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the names of the variants."""
    yield from schema_keys.SchemaKeys({}).values("dropout.variant")


@_silent
def complete_dataset(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the names of the datasets."""
    yield from schema_keys.SchemaKeys({}).values("dataset.name")


def _files(typed: str, endings: tuple[str, ...]) -> Iterator[str]:
    """Yield the files with these endings, and the folders, that a typed path can become."""
    parent, name = os.path.split(typed)
    found = list(_entries(parent, name, endings))
    if len(found) == 1 and found[0].endswith("/"):
        yield from _entries(found[0], "", endings)
    yield from found


def _entries(parent: str, name: str, endings: tuple[str, ...]) -> Iterator[str]:
    if not os.path.isdir(parent or "."):  # noqa: PTH112 - `./a` must stay as it is typed
        return
    with os.scandir(parent or ".") as entries:
        for entry in entries:
            if entry.name.startswith(name) and (name or not entry.name.startswith(".")):
                path = os.path.join(parent, entry.name)  # noqa: PTH118 - as above
                if entry.is_dir():
                    yield f"{path}/"
                elif entry.name.removesuffix(".gz").endswith(endings):
                    yield path


def _folders(ctx: typer.Context, *files: str) -> Iterator[str]:
    """Yield the names of the folders in `--runs-dir` that have one of these files."""
    root = Path(ctx.params.get("runs_dir") or "runs")
    for folder in sorted(root.iterdir()):
        if any((folder / file).is_file() for file in files):
            yield folder.name

"""Hints for common slips on the command line: each becomes one line that says what to write instead."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dropout_cli.core.dotted import last_name
from dropout_cli.core.errors import UsageError
from dropout_cli.core.shell_words import join_words, quote_word

OVERRIDES = ("overrides", "values")
"""Names of the parameters that take KEY=VALUE words, after a config."""
CONFIGS = ("config", "file")
"""Names of the parameters that take the config before them."""
RUN = "reference"
KEY_VALUE = re.compile(r"[A-Za-z_][\w.\-]*=.*", re.DOTALL)
EVAL_OPTIONS = {"--split": ("train", "val", "test"), "--checkpoint": ("best", "last")}
"""Option of `dropout eval` -> its values, which are sometimes given without it."""


def check_spaces(names: Sequence[str], args: Sequence[str]) -> None:
    """Raise UsageError for `KEY = VALUE` in several words.

    Args:
        names: The names of the command's parameters.
        args: The words after the command.
    """
    if not any(name in OVERRIDES for name in names):
        return
    for place, word in enumerate(args):
        before, after = args[max(0, place - 1) : place], args[place + 1 : place + 2]
        if word == "=" and before and after:
            words = [*before, word, *after]
        elif word.startswith("=") and before:
            words = [*before, word]
        elif word.endswith("=") and word != "=" and after and "=" not in after[0] and not after[0].startswith("-"):
            words = [word, *after]
        else:
            continue
        raise UsageError(" ".join(words), "KEY=VALUE must be one word", f"Write `{quote_word(''.join(words))}`.")


def check_values(command: str, params: Mapping[str, Any], options: Mapping[str, bool]) -> None:
    """Raise UsageError for arguments in the wrong order, and for options that are written as KEY=VALUE.

    Args:
        command: The command as the user writes it, such as `dropout train`.
        params: Name of the parameter -> its parsed value.
        options: Option -> True if it is a flag.
    """
    config = next((name for name in CONFIGS if name in params), None)
    overrides = next((name for name in OVERRIDES if name in params), None)
    if config is not None and overrides is not None:
        _check_config_first(command, str(params[config]), list(params[overrides] or ()))
        for word in params[overrides] or ():
            _check_no_option(word, options)
    files = [params["file"]] if "file" in params else list(params.get("files") or ())
    if RUN in params and files:
        _check_run_first(command, str(params[RUN]), str(files[-1]))


def _check_config_first(command: str, first: str, others: list[str]) -> None:
    """Raise UsageError if the place of the config has a KEY=VALUE."""
    if not KEY_VALUE.fullmatch(first) or _is_file(first):
        return
    plain = [word for word in others if "=" not in word]
    config = plain[0] if plain else "CONFIG"
    words = [config, first, *(word for word in others if word not in plain)]
    fact = "the config must come before KEY=VALUE" if plain else "the config is missing"
    raise UsageError(command, fact, f"Write `{command} {join_words(words)}`.")


def _check_no_option(word: str, options: Mapping[str, bool]) -> None:
    """Raise UsageError if a KEY=VALUE has the name of an option."""
    key, _, value = word.partition("=")
    option = f"--{key.replace('_', '-')}"
    if option in options:
        written = option if options[option] else f"{option} {quote_word(value)}"
        raise UsageError(word, f"{key} is an option, not a key of the config", f"Write `{written}`.")


def _check_run_first(command: str, run: str, file: str) -> None:
    """Raise UsageError if a file is given in the place of the run."""
    if not _is_file(file) and (file == "latest" or _is_file(run)):
        raise UsageError(command, "the run must come before the file", f"Write `{command} {join_words([file, run])}`.")


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except (OSError, ValueError):  # a name that the system refuses
        return False


def explain_unknown_option(command: str, names: Sequence[str], option: str, args: Sequence[str]) -> None:
    """Raise UsageError if an unknown option is a key of the config; do nothing otherwise.

    Args:
        command: The command as the user writes it.
        names: The names of its parameters.
        option: The option, such as `--epochs`.
        args: The words after the command.
    """
    if not any(name in OVERRIDES for name in names):
        return
    # Inside the function: they import NumPy, which a correct command line may not need.
    from dropout_cli.config import Experiment
    from dropout_cli.config.declarations import key_paths

    asked = option.lstrip("-").replace("-", "_")
    key = key_paths(Experiment).get(last_name(asked))
    if key is None or ("." in asked and asked != key):
        return
    written = f"{key}={quote_word(_value_of(option, args))}"
    raise UsageError(f"{command} {option}", f"no such option, but {key} is a key of the config", f"Write `{written}`.")


def _value_of(option: str, args: Sequence[str]) -> str:
    """Return the value that follows an option, `VALUE` if there is none."""
    for place, word in enumerate(args):
        if word.startswith(f"{option}="):
            return word.removeprefix(f"{option}=")
        if word == option and place + 1 < len(args) and not args[place + 1].startswith("--"):
            return args[place + 1]
    return "VALUE"


def explain_extra_words(command: str, names: Sequence[str], args: Sequence[str]) -> None:
    """Raise UsageError if a RUN command has words that are values of options or KEY=VALUE.

    Args:
        command: The command as the user writes it.
        names: The names of its parameters.
        args: The words after the command.
    """
    if RUN not in names:
        return
    words = [word for word in args if not word.startswith("-")]
    if changes := [word for word in words if KEY_VALUE.fullmatch(word) and not _is_file(word)]:
        fact = "a run keeps the config that it was trained with"
        raise UsageError(changes[0], fact, f"Leave it out, or train with it: `dropout train CONFIG {changes[0]}`.")
    for option, values in EVAL_OPTIONS.items():
        if {"split", "checkpoint"} <= {*names} and (chosen := [word for word in words if word in values]):
            run = next((word for word in words if word not in values), "RUN")
            raise UsageError(
                command, f"{chosen[0]} is a value of {option}", f"Write `{command} {run} {option} {chosen[0]}`."
            )

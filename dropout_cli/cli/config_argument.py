"""The argument CONFIG: a config file, a bundled config, or data to make a config for."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dropout_cli.cli.arguments import DEFAULT_RUNS_DIR
from dropout_cli.cli.output import print_stderr
from dropout_cli.core.errors import UsageError
from dropout_cli.core.shell_words import quote_word

if TYPE_CHECKING:
    from dropout_cli.config import LoadedConfig
    from dropout_cli.sweeps.options import SweepOptions
    from dropout_cli.sweeps.spec import Sweep

TARGET_KEY = "dataset.target"


@dataclass(frozen=True)
class ConfigArgument:
    """A config on the command line."""

    path: Path
    """The config file; for a config that was made, its name in messages."""
    text: bytes | None = None
    """The config that was made for data; None: it is in the file."""
    data: Path | None = None
    """The data that the config was made for."""

    @property
    def name(self) -> str:
        """The name of the data or of the config, without its ending."""
        return self.path.stem if self.data is None else Path(self.data.name.removesuffix(".gz")).stem

    def load(self, overrides: Sequence[str] | None) -> "LoadedConfig":
        """Return the validated config.

        Args:
            overrides: The words KEY=VALUE of the command line.

        Raises:
            ConfigError: The config or an override is wrong.
        """
        from dropout_cli import config

        return config.load_config(self.path, overrides or (), text=self.text)


def find_config_argument(
    argument: str,
    target: str | None = None,
    overrides: Sequence[str] | None = None,
    *,
    notice: Callable[[str], None] = print_stderr,
    may_ask: bool = True,
) -> ConfigArgument:
    """Return the config that an argument means; for data, make it as `dropout config init` does.

    Args:
        argument: A config file, the name of a bundled config, or data.
        target: The column to predict. None: on a terminal the user is asked, elsewhere it is guessed.
        overrides: The words KEY=VALUE of the command line.
        notice: Receives the guesses in the config.
        may_ask: False to guess on a terminal, too.

    Raises:
        ConfigError: There is no such config.
        DataError: The data cannot be read.
        UsageError: The target is no column, is given for a config, or is an override.
    """
    from dropout_cli import config
    from dropout_cli.config.starter.data_paths import is_data_path

    path = Path(argument)
    if not is_data_path(path, has_target=target is not None):
        found = config.find_config(argument)
        if target is not None:
            fact = f"{argument} is a config, which names its target itself"
            raise UsageError("--target", fact, f"Write {quote_word(f'{TARGET_KEY}={target}')} instead")
        return ConfigArgument(found)
    for word in overrides or ():
        key, _, value = word.partition("=")
        if key == TARGET_KEY:
            way_out = f"Write `--target {quote_word(value)}`"
            raise UsageError(word, f"the config for {argument} is made for one target", way_out)
    text, message = _make_config(path, argument, target, may_ask=may_ask)
    notice(message)
    return ConfigArgument(Path(f"config for {argument}"), text.encode(), path)


def _make_config(path: Path, argument: str, target: str | None, *, may_ask: bool) -> tuple[str, str]:
    """Return the text of the config for data and the message about its guesses, on one line."""
    from dropout_cli.config.starter import starter_config

    # The stored config names the data by its absolute path, so that the run can be repeated from anywhere.
    file = path.absolute()
    text, message = starter_config(file, target)
    guess = _guessed_target(text) if target is None and may_ask and _can_ask() else None
    if guess is not None:
        text, message = _ask_target(file, argument, guess, text, message)
    # Here the target is an option, not a key.
    message = message.replace(f"Change {TARGET_KEY}", "Change --target")
    written = f"`dropout config init --data {quote_word(argument)}` writes this config to a file."
    return text, " ".join([*message.replace(str(file), argument).splitlines(), written])


def _can_ask() -> bool:
    """Return True if a person sees stderr and can type an answer."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _guessed_target(text: str) -> str | None:
    """Return the target in the text of a config; None if its data have no named columns."""
    import yaml

    target = yaml.safe_load(text)["dataset"].get("target")
    return target if isinstance(target, str) else None


def _ask_target(file: Path, argument: str, guess: str, text: str, message: str) -> tuple[str, str]:
    """Ask for the target until the answer is a column; return the config for it, and its message."""
    from dropout_cli.config.starter import starter_config

    while True:
        # Not `typer.prompt`, which writes a space to stdout; stdout carries the result alone.
        sys.stderr.write(f"Column to predict [{guess}]: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:  # the input has ended
            raise UsageError("--target", "no answer", "Give the column to predict with --target NAME")
        answer = line.strip()
        if answer in ("", guess):
            return text, message
        try:
            return starter_config(file, answer)
        except UsageError as error:
            print_stderr(str(error).replace(str(file), argument))


def load_sweep_argument(
    found: ConfigArgument,
    values: Sequence[str] | None,
    options: "SweepOptions",
    out: Path | None,
    *,
    kind: Literal["sweep", "tune"],
) -> "tuple[Sweep, Path]":
    """Return the sweep or search that an argument means, and its folder.

    The folder of a sweep over data stores the config that was made, and `sweep.yaml` refers to it.

    Args:
        found: The argument.
        values: The words KEY=V1,V2 of the command line.
        options: Further options of the command line.
        out: The folder that the user chose; None: a folder of the usual name.
        kind: The command.

    Raises:
        ConfigError: The file or the command line is wrong.
        UsageError: A metric or the test of an option is unknown.
    """
    from dropout_cli.sweeps.run import BASE_FILE
    from dropout_cli.sweeps.sweep_file import load_sweep

    folder = out or DEFAULT_RUNS_DIR / f"{kind}-{found.name}"
    path = found.path if found.text is None else folder / BASE_FILE
    sweep = load_sweep(path, values or (), options, search=kind == "tune", text=found.text)
    return replace(sweep, name=found.name), folder

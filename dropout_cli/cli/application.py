"""The `dropout` command: subcommands, and errors as lines and exit codes."""

import io
import os
import signal
import sys
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Annotated, Any, Never

import typer

import dropout_cli
from dropout_cli.cli import completion, output, streams
from dropout_cli.cli.commands import add_commands
from dropout_cli.cli.single_value_options import StrictTyper
from dropout_cli.core.errors import PIPE_CLOSED, DropoutError, StopRequest, with_full_stop
from dropout_cli.core.plugins import PluginWarning

app = StrictTyper(
    name="dropout",
    help="Find out which dropout method and rate work best on your data, and how certain that is. "
    "Trains on the CPU with NumPy.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
add_commands(app)


def _version(wanted: bool) -> None:
    if wanted:
        output.print_result(f"dropout {dropout_cli.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Find out which dropout method and rate work best on your data.

    Trains on the CPU with NumPy.
    """


def run_command_line() -> Never:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal's encoding lacks is not an error
    if os.environ.get(completion.VARIABLE, "").startswith("complete_"):
        sys.exit(completion.answer_shell(lambda: app(prog_name="dropout")))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    warnings.showwarning = _in_one_line(warnings.showwarning)
    try:
        code = app(_with_help_option(sys.argv[1:]), standalone_mode=False) or 0
        sys.stdout.flush()
    except DropoutError as error:
        code = error.exit_code
        output.print_stderr(str(error))
    except typer.TyperException as error:
        code = 2
        context = getattr(error, "ctx", None)
        place = context.command_path if context else "dropout"
        text = error.format_message().replace("Value error, ", "")
        help_itself = text.startswith("Usage: ")  # what a command group prints when nothing follows it
        output.print_stderr(text if help_itself else f"{place}: {with_full_stop(text)} Try '{place} --help'.")
    except StopRequest as stop:
        code = stop.exit_code
        if code != PIPE_CLOSED:
            output.print_stderr("dropout: stopped.")
    except MemoryError:
        code = 1
        output.print_stderr("memory: not enough memory. Make the layers, the batches or the data smaller.")
    except BrokenPipeError:
        code = PIPE_CLOSED
    except ImportError as error:
        code = 1
        output.print_stderr(streams.describe_import_error(error))
    except OSError as error:
        code = 1
        output.print_stderr(streams.describe_system_error(error))
    if code == PIPE_CLOSED:
        # What is still in the buffers cannot be delivered; without this the interpreter would complain at exit.
        for stream in (sys.stdout, sys.stderr):
            streams.discard(stream.fileno())
    elif not streams.flush_or_discard():
        code = code or 1
    sys.exit(code)


def _with_help_option(args: list[str]) -> list[str]:
    """Return the words of the command line with `help COMMAND` written as `COMMAND --help`."""
    return [*args[1:], "--help"] if args[:1] == ["help"] else args


def _in_one_line(usual: Callable[..., None]) -> Callable[..., None]:
    """Return a `warnings.showwarning` that prints warnings of plugins as one line."""

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, PluginWarning):
            output.warn(str(message))
        else:
            usual(message, category, *where, **more)

    return show


def _stop(number: int, frame: FrameType | None) -> None:
    raise StopRequest(128 + number)

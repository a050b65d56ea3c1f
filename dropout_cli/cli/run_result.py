"""The end of `train`, `resume` and `sweep`: the result in words and the next commands on stderr."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dropout_cli.cli.output import cell_text, json_text, print_path, print_result, print_stderr
from dropout_cli.core.shell_words import quote_word

if TYPE_CHECKING:
    from dropout_cli.runs import Run
    from dropout_cli.sweeps.sweep_comparison import SweepComparison
    from dropout_cli.training.setup import PreparedExperiment


def print_run_result(
    run: "Run", summary: dict[str, Any], prepared: "PreparedExperiment", *, json: bool, quiet: bool
) -> None:
    """Print the warnings of a run that has ended, its result in words, and its folder.

    The first warning says if a dummy model is better than the run.

    Args:
        run: The run.
        summary: Its `summary.json`.
        prepared: The experiment, with the trained network.
        json: True to print folder and summary as one JSON object.
        quiet: True to print only the warnings, and the folder or the JSON.
    """
    from dropout_cli.training import yardstick_messages

    # First of all: a network that loses against a constant guess has other problems than its dropout rate.
    beaten = yardstick_messages.dummy_warning(summary)
    if beaten is not None:
        print_stderr(beaten)
    for warning in summary["warnings"]:
        print_stderr(warning)
    if not quiet:
        print_summary(run, summary, prepared)
    if json:
        print_result(json_text({"run": str(run.path)} | summary))
    else:
        print_path(run.path)


def print_summary(run: "Run", summary: dict[str, Any], prepared: "PreparedExperiment") -> None:
    """Print the numbers of a run, its folder and the next commands on stderr."""
    from dropout_cli.analysis import headlines
    from dropout_cli.analysis.yardstick_lines import yardstick_lines

    lines = [*headlines.headline_lines(summary, run)[:1], *yardstick_lines(summary, run)]
    for line in [*lines, f"Run folder: {cell_text(run.path)}", *next_commands(run, _draws_noise(prepared))]:
        print_stderr(line)


def next_commands(run: "Run", draws_noise: bool) -> list[str]:
    """Return two lines with the commands that usually follow.

    Args:
        run: The run.
        draws_noise: True if Monte Carlo passes of the trained network differ.
    """
    path = quote_word(str(run.path))
    passes = " --mc 50" if draws_noise else ""
    return [
        f"Next: dropout show {path}, dropout report {path}",
        f"New data: dropout predict {path} FILE{passes}",
    ]


def sweep_commands(path: Path, evidence: "SweepComparison") -> list[str]:
    """Return two lines with the commands that usually follow a sweep; none without a complete run.

    Args:
        path: The folder of the sweep.
        evidence: The comparison of its complete runs.
    """
    if not evidence.groups:
        return []
    folder = quote_word(str(path))
    # `predict` uses the best setting on the validation part; if there is none, the user has to name one.
    is_clear = evidence.chosen is not None or len(evidence.groups) == 1
    return [
        f"Next: dropout report {folder}, dropout compare {folder}",
        f"New data: dropout predict {folder} FILE{'' if is_clear else ' --setting KEY=VALUE'}",
    ]


def _draws_noise(prepared: "PreparedExperiment") -> bool:
    """Return True if passes with dropout differ, at the rates of the last epoch."""
    from dropout_cli.training import forward_passes

    dataset = prepared.dataset
    return forward_passes.draws_noise(prepared.learner.network, dataset, dataset.test, seed=prepared.experiment.seed)

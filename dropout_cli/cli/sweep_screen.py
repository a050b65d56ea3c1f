"""Print how far a sweep or a search is, and the comparison so far."""

from typing import TYPE_CHECKING, Any

from dropout_cli.cli import output
from dropout_cli.cli.reproduction_screen import print_as_text
from dropout_cli.core.text import counted, format_duration

if TYPE_CHECKING:
    from dropout_cli.sweeps.folder import SweepFolder
    from dropout_cli.sweeps.status import SearchStatus, SweepStatus

MAX_FAILURES = 10
"""Failed runs that are listed by name; `--json` has all of them."""


def print_sweep(folder: "SweepFolder", json: bool, *, every: bool = False) -> None:
    """Print the status of a sweep or a search.

    Args:
        folder: The folder, also while a process works on it.
        json: True to print one JSON object instead of tables.
        every: True to print all columns of the comparison.

    Raises:
        UsageError: A file of the folder is damaged.
    """
    from dropout_cli.sweeps import status
    from dropout_cli.sweeps.reproduction.measure import measure_folder
    from dropout_cli.sweeps.reproduction.stored import is_reproduction

    search, stages = status.search_status(folder), dict(status.stages(folder))
    main, finals = stages.get("sweep"), stages.get(status.FINALS)
    if json:
        output.print_result(output.json_text(_as_json(folder, main, search, finals)))
        return
    rows: list[tuple[str, Any]] = [("sweep" if search is None else "tune", str(folder.path))]
    rows += [("status", _overall(main, search, finals))]
    if search is not None:
        rows.append(("trials", ", ".join(f"{n} {state}" for state, n in search.trials.items()) or "none yet"))
    if finals is not None:
        rows.append(("runs of the finals", _counts(finals)))
    if main is not None:
        rows.append(("runs" if search is None else "runs with new seeds", _counts(main)))
        rows += [("looks", main.look)] if main.look else []
        rows += [] if main.seconds_left is None else [("time left", f"about {format_duration(main.seconds_left)}")]
    output.print_result(output.format_table(("item", "value"), rows))
    if main is not None:
        _print_failures(main)
        if is_reproduction(folder):
            print_as_text(measure_folder(folder))
        elif main.design is None:
            _print_comparison(main, every=every)
        else:
            _print_shares(main)
    if main is None or (main.missing and not main.is_running):
        is_study = main is not None and main.design is not None
        command = "variance" if is_study else "sweep" if search is None else "tune"
        command = "reproduce" if is_reproduction(folder) else command
        # A reproduction that was killed before its first table looks like a sweep.
        again = "same command" if command == "sweep" else f"same `dropout {command}` command"
        if not _is_running(main, search, finals):
            output.print_result(f"Run the {again} again to continue.")


def _counts(status: "SweepStatus") -> str:
    """Return the numbers of runs in words."""
    facts = [f"{status.done} of {status.planned} done", f"{len(status.failures)} failed", f"{status.missing} missing"]
    return ", ".join([*facts, *([f"{status.training} of them in training"] if status.training else [])])


def _is_running(*parts: "SweepStatus | SearchStatus | None") -> bool:
    return any(part is not None and part.is_running for part in parts)


def _overall(main: "SweepStatus | None", search: "SearchStatus | None", finals: "SweepStatus | None") -> str:
    """Return the status of all parts in one word."""
    if _is_running(main, search, finals):
        return "running"
    return "incomplete" if main is None else main.word


def _print_failures(status: "SweepStatus") -> None:
    failures = list(status.failures.items())
    if failures:
        output.print_result(output.format_table(("failed run", "reason"), failures[:MAX_FAILURES]))
    if len(failures) > MAX_FAILURES:
        output.print_result(f"{counted(len(failures) - MAX_FAILURES, 'more run')} failed. --json lists all of them.")


def _print_shares(status: "SweepStatus") -> None:
    """Print the shares of a study of the variance, once all its runs are complete."""
    from dropout_cli.sweeps.variance.shares import TABLE_HEADERS, sentences, shares_table

    if status.shares is None:
        output.print_result("The shares need all runs, and not all are complete.")
        return
    output.print_result(output.format_table(TABLE_HEADERS, shares_table(status.shares)))
    output.print_lines(sentences(status.shares))


def _print_comparison(status: "SweepStatus", *, every: bool) -> None:
    """Print the tables and notes of the runs so far."""
    from dropout_cli.sweeps import printed_table
    from dropout_cli.sweeps.notes import comparison_notes

    if status.comparison is None:
        if status.done:
            output.print_result("Nothing is compared yet: no run of the baseline is complete.")
        return
    for metric in status.comparison.metrics:
        headers, rows = printed_table.short_table(status.comparison, metric, every=every)
        output.print_result(output.format_table(headers, rows, drop_order=printed_table.LEAST))
    output.print_lines(comparison_notes(status.comparison))


def _as_json(
    folder: "SweepFolder", main: "SweepStatus | None", search: "SearchStatus | None", finals: "SweepStatus | None"
) -> dict[str, Any]:
    """Return everything as one object; the counts of a search without a sweep are null."""
    from dropout_cli.sweeps.reproduction.measure import measure_folder
    from dropout_cli.sweeps.reproduction.stored import is_reproduction
    from dropout_cli.sweeps.reproduction.table import table_dict

    facts: dict[str, Any] = {"sweep": str(folder.path), "status": _overall(main, search, finals)}
    facts |= _json_counts(main)
    if search is not None:
        facts["search"] = {"status": "running" if search.is_running else "stopped", "trials": dict(search.trials)}
    if is_reproduction(folder):
        facts["reproduction"] = table_dict(measure_folder(folder))
    if finals is not None:
        facts["finals"] = {"status": finals.word} | _json_counts(finals)
    return facts


def _json_counts(status: "SweepStatus | None") -> dict[str, Any]:
    from dropout_cli.sweeps import tables
    from dropout_cli.sweeps.variance.shares import shares_dict

    if status is None:
        return dict.fromkeys(("runs", "done", "failed", "missing", "training", "seconds_left", "comparison"))
    compared = status.comparison
    return {
        "runs": status.planned,
        "done": status.done,
        "failed": dict(status.failures),
        "missing": status.missing,
        "training": status.training,
        "seconds_left": status.seconds_left,
        **({"look": status.look} if status.look else {}),
        "comparison": None if compared is None else tables.comparison_dict(compared),
    } | ({} if status.shares is None else {"variance": shares_dict(status.shares)})

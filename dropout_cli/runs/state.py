"""The contents of `state.json`: how the sessions on a run began and ended."""

import calendar
import time
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from dropout_cli.core.errors import UsageError

FORMAT = 2
"""The format that is written now. Older ones stay readable by their own rules: see `analysis.verify.RULES`."""
STATE = "state.json"
STATE_LISTS: dict[str, type] = {"sessions": dict, "resolved": str, "lengthened": dict, "environment": str}
"""The lists in `state.json` and the types of their items; only `sessions` is always present."""
LENGTHENED_KEYS = {"after_epoch", "epochs", "schedule_changed", "patience_anew"}
"""The keys of each entry of `lengthened` in `state.json`."""
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
"""Format of the times in `state.json` at which a session began or ended."""
MAX_TIME_NS = 1 << 62  # nanoseconds since 1970, in the year 2116; later times in untrusted folders are ignored
Status: TypeAlias = Literal["completed", "running", "interrupted", "failed", "crashed"]


def require_completed(place: str, status: Status) -> None:
    """Raise UsageError, with what to do, for a run that is not complete.

    Args:
        place: The folder of the run.
        status: Its status.
    """
    if status == "failed":
        raise UsageError(place, "this run failed", "Train again with a lower learning rate.")
    if status == "running":
        raise UsageError(place, "this run is still training", "Wait until it ends.")
    if status != "completed":
        raise UsageError(place, "this run is not complete", "Continue it with `dropout resume`.")


def check_state(state: Mapping[str, Any], place: str) -> None:
    """Raise UsageError if the contents of a `state.json` are damaged.

    Args:
        state: The contents.
        place: The name of the file in error messages.
    """
    if not all(
        isinstance(items := state.get(name, [] if name != "sessions" else None), list)
        and all(isinstance(item, kind) for item in items)
        for name, kind in STATE_LISTS.items()
    ) or not (
        all(mark.keys() >= LENGTHENED_KEYS for mark in state.get("lengthened", []))
        and type(state.get("arithmetic", 1)) is int  # `type`, since True is an int
        and state.get("arithmetic", 1) > 0
    ):
        raise UsageError(
            place, "is damaged (it does not describe the state of a run)", "Restore the file, or train again."
        )


def creation_time(state: Mapping[str, Any]) -> int:
    """Return the time at which the run was created, in nanoseconds since 1970.

    A run of a former version counts from the beginning of its first session.

    Raises:
        LookupError: the run has no session.
        TypeError: the time of its session is not a text.
        ValueError: the time of its session has another format.
    """
    recorded = state.get("created")
    if type(recorded) is int and 0 <= recorded < MAX_TIME_NS:
        return recorded
    return calendar.timegm(time.strptime(state["sessions"][0]["began"], TIME_FORMAT)) * 10**9


def record_session(state: dict[str, Any], status: Status) -> None:
    """Add the beginning of a session to the state, or the end of the last one.

    Args:
        state: The contents of `state.json`, which are changed.
        status: `running` at the beginning of a session, else how it ended.
    """
    now = time.strftime(TIME_FORMAT, time.gmtime())
    if status == "running" or not state["sessions"]:
        state["sessions"].append({"began": now})
    if status != "running":
        state["sessions"][-1]["ended"] = now

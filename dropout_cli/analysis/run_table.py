"""Many runs side by side: read from one file each, filtered, sorted."""

import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from dropout_cli.core.dotted import value_at
from dropout_cli.core.errors import UsageError
from dropout_cli.runs import Run, summary, tags

VARIANT, RATE = "config.dropout.variant", "config.dropout.rate"
COLUMNS = ("name", "status", VARIANT, RATE, "epochs", "val.accuracy", "test.accuracy")
"""The keys that `dropout runs` shows unless told otherwise."""
LEAST = ("epochs", RATE, VARIANT, "val.accuracy", "val.rmse", "status")
"""Those of them that may be left out where there is little room, the first one first."""

OWN = ("name", "status", "reason", "tags", "note", "megabytes", "run")
"""The keys whose values come from the folder, its state and its notes, whatever its summary says under them."""

OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}

NULL, EQUALITIES = "null", ("==", "=", "!=")
"""`null` holds for runs that lack the key, or have null for a block above it. In quotation marks it is a text."""

NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
CONDITION = re.compile(r"\s*([A-Za-z_][\w.\-]*)\s*(==|!=|>=|<=|>|<|=)(.*)", re.DOTALL)
AND = re.compile(r"\s(and|&&)\s", re.IGNORECASE)
"""They take time in proportion to the text: no two parts of one that stand next to each other can match the same."""

Known = TypeVar("Known", bound=dict[str, Any])


class Facts(dict[str, Any]):
    """The facts of one run, by key, with the run itself, since two runs may have the same name."""

    def __init__(self, run: Run, known: dict[str, Any]) -> None:
        """`known`: the facts of that run."""
        super().__init__(known)
        self.run = run


def facts(run: Run) -> Facts:
    """Return name and status of a run and, where it is complete, its summary without the keys of OWN."""
    status = run.status
    if status == "completed":
        known = {key: found for key, found in run.summary().items() if key not in OWN}
    else:
        known = {"reason": run.state().get("reason")}
    return Facts(run, {"name": run.name, "status": status} | known | tags.annotations(run))


def read(runs: Iterable[Run], *, sizes: bool = False) -> list[Facts]:
    """The facts of the runs, with their `megabytes` if asked for; one whose files cannot be read is damaged."""
    found = []
    for run in runs:
        try:
            one = facts(run)
            if sizes:
                one["megabytes"] = tags.size(run) / 1e6
        except UsageError as error:
            one = Facts(run, {"name": run.name, "status": "damaged", "reason": str(error)})
        found.append(one)
    return found


def value(run: dict[str, Any], key: str) -> Any:
    """What stands under a dotted key; None where there is nothing."""
    return value_at(run, key)


def rows(runs: Sequence[dict[str, Any]], keys: Sequence[str]) -> list[list[Any]]:
    """A row per run of what stands under the keys. Raises UsageError for a key that no run has."""
    for key in keys:
        if key not in COLUMNS:
            _must_exist(runs, key, "--columns")
    return [[value(run, key) for key in keys] for run in runs]


def select(runs: list[Known], where: Sequence[str], sort: str) -> list[Known]:
    """The runs for which every condition holds, sorted by a key (`-key`: downwards); those without it come last.

    A condition is `KEY OP VALUE`. Raises UsageError where it is not, or no run has the key.
    """
    for condition in where:
        match = CONDITION.fullmatch(condition)
        if match is None:
            raise UsageError(
                "--where", f"'{condition}' is not a condition", "Write KEY OP VALUE: 'test.accuracy > 0.97'."
            )
        key, sign, text = match[1], match[2], match[3].strip()
        _must_be_one(condition, text)
        _must_exist(runs, key, "--where", null=text == NULL)
        if text == NULL:
            if sign not in EQUALITIES:
                raise UsageError("--where", f"null is neither above nor below {key}", "Write == null or != null.")
            runs = [run for run in runs if (value(run, key) is None) == (sign != "!=")]
            continue
        if any(_is_number(value(run, key)) for run in runs) and not NUMBER.fullmatch(text):
            raise UsageError("--where", f"{key} is a number, and '{text}' is none", "Compare it with a number.")
        runs = [run for run in runs if _holds(value(run, key), sign, text)]
    key = sort.removeprefix("-")
    _must_exist(runs, key, "--sort")
    having = [run for run in runs if value(run, key) is not None]
    lacking = [run for run in runs if value(run, key) is None]
    return sorted(having, key=lambda run: _order(value(run, key)), reverse=sort.startswith("-")) + lacking


def _must_be_one(condition: str, text: str) -> None:
    """Raise UsageError where a second condition follows in the value."""
    for one in [] if text.startswith(("'", '"')) else AND.finditer(text):
        if CONDITION.fullmatch(text[one.end() :]):
            first, second = condition[: len(condition.rstrip()) - len(text) + one.start()], text[one.end() :]
            way_out = f"Give --where twice: --where '{first.strip()}' --where '{second.strip()}'."
            raise UsageError("--where", f"'{condition}' is more than one condition", way_out)


def _must_exist(runs: Sequence[dict[str, Any]], key: str, place: str, *, null: bool = False) -> None:
    if runs and not any(_has(run, key) if null else value(run, key) is not None for run in runs):
        raise UsageError(place, f"no run has '{key}'", "Keys are those of summary.json, such as test.accuracy.")


def _has(run: dict[str, Any], key: str) -> bool:
    """Whether the run has the key, or null for a block above it."""
    found: Any = run
    for part in key.split("."):
        if found is None:
            return True
        if not isinstance(found, dict) or part not in found:
            return False
        found = found[part]
    return True


def _is_number(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _order(found: Any) -> tuple[int, float, str]:
    return (0, found, "") if _is_number(found) else (1, 0.0, str(found))


def _holds(found: Any, sign: str, text: str) -> bool:
    """Numbers compare with numbers, everything else as text; what is missing satisfies nothing."""
    if found is None:
        return False
    text = text.strip("\"'")
    if _is_number(found):
        return bool(OPERATORS[sign](found, float(text)))
    left = str(found).lower() if isinstance(found, bool) else str(found)
    return bool(OPERATORS[sign](left, text))


def overview(facts: dict[str, Any]) -> list[tuple[str, Any]]:
    """What `dropout show` prints of one run."""
    from dropout_cli.tasks import TASKS  # it brings NumPy, which a list of runs does not need

    shown = tuple(dict.fromkeys(number for task in TASKS.values() for number in task.shown))
    keys = ["name", "status", "reason", "epochs", "best_epoch", "checkpoint", "monitor", "parameters", "seconds"]
    keys += ["config.dataset.name", "config.architecture.name", "config.dropout.variant", "config.dropout.rate"]
    keys += ["config.dropout.rate_schedule.name", "config.objective.name", "config.objective.teacher"]
    keys += ["config.training.init_from", "config.seed", "tags", "note"]
    keys += [f"{part}.{number}" for part in ("train", "val", "test") for number in shown]
    keys += ["teacher.accuracy", "teacher.agreement", "dropout.sparsity.overall", "dropout.compression"]
    known = [(key, found) for key in keys if (found := value(facts, key)) is not None]
    known = [one for key, found in known for one in _explained(key, found, facts)]
    moving = facts.get("still_moving")
    return [*known, *(("still moving", column) for column in (moving if isinstance(moving, list) else ()))]


def _explained(key: str, found: Any, facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the row of a key, and a row or a few words that explain it where it could be misread."""
    try:
        if key == "best_epoch" and facts.get("monitor") is not None:
            yield key, f"{found}, by {facts['monitor']}"
        elif key == "checkpoint":
            yield key, found
            yield "evaluated_epoch", f"{summary.evaluated_epoch(facts)}, whose weights gave the numbers below"
        elif key.startswith("train.") and key == next(f"train.{name}" for name in facts["train"]):
            count = summary.examples(facts["train"])
            few = f"; metrics.csv scores {summary.MOST_SCORED:,} of them" if count > summary.MOST_SCORED else ""
            yield "train.examples", f"{count:,}{few}"
            yield key, found
        else:
            yield key, found
    except (LookupError, TypeError, ValueError):  # a damaged summary is shown as it is
        yield key, found


def files(run: Run) -> list[str]:
    """The files of a run's folder, by name."""
    paths = (path for path in run.path.rglob("*") if path.is_file() and path.name != ".lock")
    return sorted(path.relative_to(run.path).as_posix() for path in paths)

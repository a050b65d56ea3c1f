"""Tables of many runs: read the facts of each run, filter them and sort them."""

import itertools
import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from dropout_cli.core.dotted import value_at
from dropout_cli.core.errors import UsageError
from dropout_cli.runs import Run, summary, tags

VARIANT_KEY, RATE_KEY = "config.dropout.variant", "config.dropout.rate"
GENERAL_COLUMNS = ("name", "status", VARIANT_KEY, RATE_KEY, "epochs")
TASK_COLUMNS = (("val.accuracy", "test.accuracy"), ("val.rmse", "test.rmse"))
"""Keys of classification and of regression."""
DEFAULT_COLUMNS = (*GENERAL_COLUMNS, *TASK_COLUMNS[0])
"""Keys that `dropout runs` shows if no run is a regression."""
OPTIONAL_COLUMNS = ("megabytes", "tags", "note")
"""Keys that `dropout runs` shows if a run has them: most users have none, and an empty column would take room."""
DROP_ORDER = ("epochs", RATE_KEY, VARIANT_KEY, "val.accuracy", "val.rmse", "status")
"""Keys that a narrow terminal may leave out, the first one first."""

RESERVED_KEYS = ("name", "status", "reason", "tags", "note", "megabytes", "run")
"""Keys whose values come from the folder, its state and its notes. The same keys of a summary are ignored."""

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
"""The condition `KEY == null` is true if a run lacks the key, or has null for a block above it.

In quotation marks, `null` is a text. EQUALITIES are the operators that take null.
"""

NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
CONDITION = re.compile(r"\s*([A-Za-z_][\w.\-]*)\s*(==|!=|>=|<=|>|<|=)(.*)", re.DOTALL)
CONJUNCTION = re.compile(r"\s(and|&&)\s", re.IGNORECASE)
"""Word between two conditions.

These patterns take linear time on hostile text: no two neighboring parts can match the same characters.
"""

FactsT = TypeVar("FactsT", bound=dict[str, Any])


class RunFacts(dict[str, Any]):
    """Facts of one run, by key, and the run itself: two runs may have the same name."""

    def __init__(self, run: Run, known: dict[str, Any]) -> None:
        """Store the facts of a run.

        Args:
            run: The run.
            known: Its facts, by key.
        """
        super().__init__(known)
        self.run = run


def run_facts(run: Run) -> RunFacts:
    """Return the facts of one run.

    They are its name, status, tags and note and, if it is complete, its summary without RESERVED_KEYS.

    Raises:
        UsageError: A file of the run cannot be read.
    """
    status = run.status
    if status == "completed":
        # A summary from elsewhere must not replace the name or the status of the folder.
        known = {key: content for key, content in run.summary().items() if key not in RESERVED_KEYS}
    else:
        known = {"reason": run.state().get("reason")}
    return RunFacts(run, {"name": run.name, "status": status} | known | tags.read_tags(run))


def read_facts(runs: Iterable[Run], *, sizes: bool = False) -> list[RunFacts]:
    """Return the facts of several runs. An unreadable run gets the status `damaged`.

    Args:
        runs: The runs.
        sizes: True to add `megabytes`, the size on disk.
    """
    table = []
    for run in runs:
        try:
            known = run_facts(run)
            if sizes:
                known["megabytes"] = tags.folder_bytes(run) / 1e6
        # One damaged folder must not hide all other runs.
        except UsageError as error:
            known = RunFacts(run, {"name": run.name, "status": "damaged", "reason": str(error)})
        table.append(known)
    return table


def default_columns(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Return the keys that `dropout runs` shows: those of every task among the runs, and optional ones.

    Args:
        runs: The facts of the runs. Runs that are not complete have no numbers, and so no task.
    """
    tasks = [keys for keys in TASK_COLUMNS if any(value_at(run, keys[-1]) is not None for run in runs)]
    return [
        *GENERAL_COLUMNS,
        *(key for keys in tasks or TASK_COLUMNS[:1] for key in keys),
        *(key for key in OPTIONAL_COLUMNS if any(key in run for run in runs)),
    ]


def facts_rows(runs: Sequence[dict[str, Any]], keys: Sequence[str]) -> list[list[Any]]:
    """Return one row of values per run.

    Args:
        runs: The facts of the runs.
        keys: Dotted keys, one per column.

    Raises:
        UsageError: No run has one of the keys, and it is not a default column.
    """
    # Default columns may be empty: runs that are not complete have no numbers, and some have no validation part.
    may_be_empty = {*GENERAL_COLUMNS, *itertools.chain(*TASK_COLUMNS)}
    for key in keys:
        if key not in may_be_empty:
            _must_exist(runs, key, "--columns")
    return [[value_at(run, key) for key in keys] for run in runs]


def select_runs(runs: list[FactsT], where: Sequence[str], sort: str) -> list[FactsT]:
    """Return the runs that meet all conditions, sorted by a key.

    Args:
        runs: The facts of the runs.
        where: Conditions of the form `KEY OP VALUE`.
        sort: A key; `-key` sorts from high to low. Runs without the key come last.

    Raises:
        UsageError: A condition has another form, or no run has a key.
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
                raise UsageError(
                    "--where", "null can only be tested with == or !=", f"Write {key} == null or {key} != null."
                )
            runs = [run for run in runs if (value_at(run, key) is None) == (sign != "!=")]
            continue
        # Checked for all runs at once: a number cannot be compared with other text.
        if any(_is_number(value_at(run, key)) for run in runs) and not NUMBER.fullmatch(text):
            raise UsageError("--where", f"{key} is a number, but '{text}' is not", "Compare it with a number.")
        runs = [run for run in runs if _holds(value_at(run, key), sign, text)]
    key = sort.removeprefix("-")
    _must_exist(runs, key, "--sort")
    having = [run for run in runs if value_at(run, key) is not None]
    lacking = [run for run in runs if value_at(run, key) is None]
    return sorted(having, key=lambda run: _order(value_at(run, key)), reverse=sort.startswith("-")) + lacking


def _must_be_one(condition: str, text: str) -> None:
    """Raise UsageError if the text of the value contains a second condition.

    Without this check, `a > 1 and b > 2` would compare with the text `1 and b > 2`.
    """
    for word in [] if text.startswith(("'", '"')) else CONJUNCTION.finditer(text):
        if CONDITION.fullmatch(text[word.end() :]):
            first, second = condition[: len(condition.rstrip()) - len(text) + word.start()], text[word.end() :]
            way_out = f"Give --where twice: --where '{first.strip()}' --where '{second.strip()}'."
            raise UsageError("--where", f"'{condition}' is more than one condition", way_out)


def _must_exist(runs: Sequence[dict[str, Any]], key: str, place: str, *, null: bool = False) -> None:
    """Raise UsageError if no run has the key; with `null`, a null in its place is enough."""
    if runs and not any(_has(run, key) if null else value_at(run, key) is not None for run in runs):
        raise UsageError(
            place, f"no run has '{key}'", "Use name, status, tags or a key of summary.json, such as test.accuracy."
        )


def _has(run: dict[str, Any], key: str) -> bool:
    """Return True if the run has the key, or null for a block above it."""
    node: Any = run
    for part in key.split("."):
        if node is None:
            return True
        if not isinstance(node, dict) or part not in node:
            return False
        node = node[part]
    return True


def _is_number(content: Any) -> bool:
    return isinstance(content, int | float) and not isinstance(content, bool)


def _order(content: Any) -> tuple[int, float, str]:
    """Return a sort key: numbers come before texts, since the two cannot be compared."""
    return (0, content, "") if _is_number(content) else (1, 0.0, str(content))


def _holds(content: Any, sign: str, text: str) -> bool:
    """Return True if a condition holds; a missing value meets no condition.

    Args:
        content: The value of a run. A number is compared as a number, everything else as text.
        sign: A key of OPERATORS.
        text: The value to compare with.
    """
    if content is None:
        return False
    text = text.strip("\"'")
    if _is_number(content):
        return bool(OPERATORS[sign](content, float(text)))
    left = str(content).lower() if isinstance(content, bool) else str(content)  # as YAML writes true and false
    return bool(OPERATORS[sign](left, text))


def run_overview(facts: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the keys and values of one run that `dropout show` prints."""
    from dropout_cli.tasks import TASKS  # here: it imports NumPy, which a list of runs does not need

    # The keys of all tasks: a run has those of its own task only.
    shown = tuple(dict.fromkeys(number for task in TASKS.values() for number in task.displayed_metrics))
    keys = ["name", "status", "reason", "epochs", "best_epoch", "checkpoint", "monitor", "parameters", "seconds"]
    keys += ["config.dataset.name", "config.dataset.weights", "config.architecture.name"]
    keys += ["config.dropout.variant", "config.dropout.rate"]
    keys += ["config.dropout.rate_schedule.name", "config.objective.name", "config.objective.teacher"]
    keys += ["config.training.init_from", "config.seed", "tags", "note"]
    keys += [f"{part}.{number}" for part in ("train", "val", "test") for number in shown]
    keys += ["teacher.accuracy", "teacher.agreement", "dropout.sparsity.overall", "dropout.compression"]
    known = [(key, content) for key in keys if (content := value_at(facts, key)) is not None]
    known = [row for key, content in known for row in _explained(key, content, facts)]
    moving = facts.get("still_moving")
    return [*known, *(("not converged", column) for column in (moving if isinstance(moving, list) else ()))]


def _explained(key: str, content: Any, facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the row of a key, with an explanation or a further row if it could be misread."""
    try:
        if key == "best_epoch" and facts.get("monitor") is not None:
            same = content == summary.evaluated_epoch(facts)
            which = "were evaluated" if same else "were not evaluated"
            yield key, f"{content} (best {facts['monitor']}; its weights {which})"
        elif key == "checkpoint":
            yield key, content
            which = "best" if content == "best" else "last"
            epoch = summary.evaluated_epoch(facts)
            yield "evaluated_epoch", f"{epoch} (the {which} epoch; its weights gave the numbers below)"
            if (positive := summary.positive_class(facts.get("test"))) is not None:
                yield "positive class", f"{positive} (for roc_auc and average_precision)"
        elif key.startswith("train.") and key == next(f"train.{name}" for name in facts["train"]):
            count = summary.count_examples(facts["train"])
            few = f" (metrics.csv uses {summary.MAX_SCORED:,} of them)" if count > summary.MAX_SCORED else ""
            yield "train.examples", f"{count:,}{few}"
            yield key, content
        else:
            yield key, content
    except (LookupError, TypeError, ValueError):  # a damaged summary is shown without explanations
        yield key, content


def run_files(run: Run) -> list[str]:
    """Return the paths of all files in the folder of a run, sorted and relative to it."""
    # The lock is no result, and has no content.
    paths = (path for path in run.path.rglob("*") if path.is_file() and path.name != ".lock")
    return sorted(path.relative_to(run.path).as_posix() for path in paths)

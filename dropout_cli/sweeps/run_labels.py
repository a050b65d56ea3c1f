"""Short labels that tell several runs apart in figures and tables."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from string import ascii_uppercase

from dropout_cli.core.errors import UsageError
from dropout_cli.runs import Run, find_run
from dropout_cli.runs.state import require_completed
from dropout_cli.sweeps.collect import collect_runs
from dropout_cli.sweeps.records import RunRecord, Values, setting_label

MOST_LETTERS = 24
"""The longest label that fits beside a line of a figure; longer ones are replaced by A, B, C."""
MAIN_BLOCKS = ("dropout", "architecture")
"""Blocks of the config that name a run, if runs differ in other blocks, too."""
MOST_KEYS = 3
"""The most keys of a label that are tried together."""


@dataclass(frozen=True)
class RunLabels:
    """Labels of runs, and their meaning."""

    runs: Mapping[str, Run]
    """Label -> run."""
    key: Mapping[str, str]
    """Label -> words; empty if the labels are words."""


def label_runs(references: Sequence[str], root: Path) -> RunLabels:
    """Return a label for each run.

    It has settings in which the runs differ, those of dropout and the architecture first, and seed or name if they are
    not enough. If such a label is long, all labels are letters with a key.

    Args:
        references: At least two runs, as `find_run` accepts them.
        root: The folder that holds the runs.

    Raises:
        UsageError: A run does not exist, is not complete, or is named twice.
    """
    runs = [find_run(reference, root) for reference in references]
    for run in runs:
        require_completed(str(run.path), run.status)
    repeated = [path for path, count in Counter(run.path.resolve() for run in runs).items() if count > 1]
    if repeated:
        raise UsageError(str(repeated[0]), "this run is given twice", "Give each run once.")
    records, _, _ = collect_runs([str(run.path) for run in runs], root)
    labels = _with_seeds_or_names(_short_settings([record.values for record in records]), records)
    if max(map(len, labels)) <= MOST_LETTERS:
        return RunLabels(dict(zip(labels, runs, strict=True)), {})
    letters = [ascii_uppercase[place] if place < 26 else f"run {place + 1}" for place in range(len(runs))]
    return RunLabels(dict(zip(letters, runs, strict=True)), dict(zip(letters, labels, strict=True)))


def _short_settings(settings: Sequence[Values]) -> list[str]:
    """Return the values of the fewest keys that tell the settings apart as well as all keys do."""
    keys = list(dict.fromkeys(key for values in settings for key in values))
    # Of equally many keys, those of the first block come first.
    main = [key for block in MAIN_BLOCKS for key in keys if key.partition(".")[0] == block]
    everything, wanted = _labels(settings, keys), len(set(_labels(settings, keys)))
    others = [key for key in keys if key not in main]
    for chosen in chain(_choices(main), _choices([*main, *others])):
        labels = _labels(settings, chosen)
        if len(set(labels)) == wanted:
            return labels
    return everything


def _choices(keys: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield none of the keys, then every single one, then pairs, and so on."""
    for size in range(min(MOST_KEYS, len(keys)) + 1):
        yield from combinations(keys, size)


def _labels(settings: Sequence[Values], keys: Sequence[str]) -> list[str]:
    shown = [{key: values[key] for key in keys if key in values} for values in settings]
    return [setting_label(values) if values else "" for values in shown]


def _with_seeds_or_names(labels: list[str], records: Sequence[RunRecord]) -> list[str]:
    """Return distinct labels; equal ones get the seed, and if that is not enough, the name of the run."""
    for unit in ("seed", "run"):
        counts = Counter(labels)
        labels = [
            label if label and counts[label] == 1 else f"{label}, {text}".removeprefix(", ")
            for label, record in zip(labels, records, strict=True)
            for text in [f"seed {record.replicate.seed}" if unit == "seed" else f"run {record.name}"]
        ]
        if len(set(labels)) == len(labels):
            break
    return labels

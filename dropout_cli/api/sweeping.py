"""`sweep`, and the sweeps on disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from dropout_cli.api.finished_sweep import FinishedSweep
from dropout_cli.api.training import config_argument
from dropout_cli.api.words import override_words, swept_words
from dropout_cli.cli.arguments import DEFAULT_RUNS_DIR
from dropout_cli.cli.config_argument import load_sweep_argument
from dropout_cli.cli.output import print_stderr
from dropout_cli.cli.progress import SweepProgressDisplay
from dropout_cli.core.errors import UsageError


def sweep(
    config: str | Path | Mapping[str, Any],
    values: Mapping[str, Any] | None = None,
    *,
    seeds: int | Sequence[int] | None = None,
    splits: int | Literal["same", "each"] | None = None,
    baseline: Mapping[str, Any] | None = None,
    metric: str | None = None,
    metrics: Sequence[str] = (),
    until: Literal["sure"] | None = None,
    margin: float | None = None,
    max_seeds: int | None = None,
    target: str | None = None,
    out: str | Path | None = None,
    jobs: int | None = None,
    figures: bool = True,
    progress: bool = True,
) -> FinishedSweep:
    """Train every combination of values and seeds, as `dropout sweep` does, and compare the settings.

    The same call continues a sweep that was interrupted. It trains the missing runs, but not those that failed. A
    failed run raises no error: see `FinishedSweep.failures`.

    Args:
        config: A config as a mapping, a config or sweep file, the name of a bundled config, or your data.
        values: Dotted key -> its values, such as `{"dropout.rate": [0, 0.5]}`.
        seeds: The number of seeds of each setting, or a list of seeds; None: 10, or 1 if `splits` is a number.
        splits: `each`: every seed has its own split of the data. `same`: all seeds share one. A number: this many
            splits, with all seeds on each. None: `each`, unless the config or the sweep in the folder has another.
        baseline: Key -> value of the setting that all others are compared with.
        metric: The metric to compare, such as `test.accuracy`; None: that of the config, else `test.accuracy`, or
            `test.rmse` for a regression.
        metrics: A list of several metrics, the main one first, instead of `metric`. P-values and intervals are
            corrected for all of them together.
        until: `sure`: train each setting only until its difference from the baseline is decided.
        margin: Smaller differences count as equal, in the unit of the metric: 0.01 is one percentage point of accuracy.
        max_seeds: With `until`, the most seeds or splits of a setting; None: 30.
        target: The column to predict, if `config` is a table.
        out: The folder for the results; None: `runs/sweep-NAME`.
        jobs: How many runs to train at the same time; None: one per core.
        figures: False to draw no figures into the folder.
        progress: False to show no progress.

    Raises:
        ConfigError: The config or a value is wrong.
        DataError: Data are missing or wrong.
        RunFailed: The folder cannot be written.
        TypeError: A value cannot be written as YAML, or `metrics` is a text.
        UsageError: The folder has another sweep or is in use by another process, or a metric is unknown.
        Interrupted: You interrupted it.
    """
    from dropout_cli.sweeps import layout_choice, plan
    from dropout_cli.sweeps.folder import SweepFolder
    from dropout_cli.sweeps.options import SweepOptions
    from dropout_cli.sweeps.run import run_sweep
    from dropout_cli.sweeps.settings import ExecutionSettings
    from dropout_cli.sweeps.until_sure.plan import comparison_with_looks

    if isinstance(metrics, str):
        raise TypeError(f"metrics must be a list, got {metrics!r}. Write [{metrics!r}], or metric={metrics!r}.")
    words = swept_words(values)
    options = SweepOptions(
        seeds=_numbers(seeds),
        splits=None if splits is None else str(splits),
        baseline=override_words(baseline),
        metric=metric,
        metrics=",".join(metrics) or None,
        until=until,
        margin=margin,
        max_seeds=max_seeds,
    )
    found = config_argument(config, target, words)
    asked, path = load_sweep_argument(found, words, options, None if out is None else Path(out), kind="sweep")
    folder = SweepFolder(path)
    asked = layout_choice.keep_layout(asked, folder)
    planned, show = plan.make_plan(asked), SweepProgressDisplay(quiet=not progress)
    with show.display():
        run_sweep(
            planned,
            folder,
            asked.with_splits(planned.splits).text,
            comparison_with_looks(planned, asked),
            ExecutionSettings(jobs, figures=figures),
            watch=show,
            notice=print_stderr,
            base=asked.base_text,
        )
    return FinishedSweep(folder)


def _numbers(seeds: int | Sequence[int] | None) -> str | None:
    """Return the seeds as they are written on the command line."""
    if seeds is None or isinstance(seeds, int):
        return None if seeds is None else str(seeds)
    # A single number would be the number of seeds.
    return ",".join(map(str, seeds)) + ("," if len(seeds) == 1 else "")


def load_sweep(reference: str | Path, *, runs_dir: str | Path = DEFAULT_RUNS_DIR) -> FinishedSweep:
    """Return a sweep from disk.

    Args:
        reference: Its folder, or the name of a folder in `runs_dir`.
        runs_dir: The folder that holds the sweeps.

    Raises:
        UsageError: There is no such sweep.
    """
    from dropout_cli.sweeps.folder import find_sweep

    folder = find_sweep(str(reference), Path(runs_dir))
    if folder is None:
        raise UsageError(str(reference), "is not the folder of a sweep", "Give the folder that `sweep` has made.")
    return FinishedSweep(folder)

"""`train`, and the runs on disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dropout_cli.api.trained_run import TrainedRun
from dropout_cli.api.words import override_words, plain_values
from dropout_cli.cli.arguments import DEFAULT_RUNS_DIR
from dropout_cli.cli.config_argument import ConfigArgument, find_config_argument
from dropout_cli.cli.output import print_stderr
from dropout_cli.cli.progress import ProgressDisplay

if TYPE_CHECKING:
    from pandas import DataFrame


def train(
    config: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    target: str | None = None,
    runs_dir: str | Path = DEFAULT_RUNS_DIR,
    name: str | None = None,
    figures: bool = True,
    progress: bool = True,
) -> TrainedRun:
    """Train a network, as `dropout train` does, and return the run.

    Args:
        config: A config as a mapping, a config file, the name of a bundled config such as `digits`, or your data.
        overrides: Dotted key -> value, such as `{"dropout.rate": 0.5}`.
        target: The column to predict, if `config` is a table.
        runs_dir: The folder for the run folder.
        name: A name for the run, which becomes a part of its folder's name.
        figures: False to leave out the figures in the folder.
        progress: False to show no progress.

    Raises:
        ConfigError: The config is wrong.
        DataError: Data are missing or wrong.
        RunFailed: The training diverged, or the folder cannot be written.
        TypeError: A value cannot be written as YAML, such as an object of a class of your own.
        Interrupted: You interrupted it; `dropout resume` goes on.
    """
    from dropout_cli.runs import Run
    from dropout_cli.training.run import prepare_run, run_experiment
    from dropout_cli.training.setup import run_label

    words, show = override_words(overrides), ProgressDisplay(quiet=not progress)
    loaded = config_argument(config, target, words).load(words)
    prepared = prepare_run(loaded.experiment)
    for notice in (*loaded.notices, *prepared.notices):
        show.notice(notice)
    run = Run.create(Path(runs_dir), name or run_label(prepared.experiment))
    with show.display(run, prepared.experiment) as watch:
        run_experiment(prepared, run, loaded.text, watch=watch, figures=figures)
    return TrainedRun(run)


def config_argument(config: str | Path | Mapping[str, Any], target: str | None, words: list[str]) -> ConfigArgument:
    """Return the config that a value means; a mapping is written as YAML.

    Args:
        config: As in `train`.
        target: The column to predict, if `config` is a table.
        words: Overrides as `KEY=VALUE`.

    Raises:
        ConfigError: There is no such config.
        TypeError: The mapping has a value without a form in YAML.
    """
    if isinstance(config, Mapping):
        import yaml

        text = yaml.safe_dump(plain_values(config), sort_keys=False, allow_unicode=True)
        return ConfigArgument(Path("config"), text.encode())
    return find_config_argument(str(config), target, words, notice=print_stderr, may_ask=False)


def load_run(reference: str | Path = "latest", *, runs_dir: str | Path = DEFAULT_RUNS_DIR) -> TrainedRun:
    """Return a run from disk.

    Args:
        reference: Its folder, a unique beginning of its name, or `latest`.
        runs_dir: The folder that holds the runs.

    Raises:
        UsageError: There is no such run.
    """
    from dropout_cli import runs

    return TrainedRun(runs.find_run(str(reference), Path(runs_dir)))


def list_runs(*, runs_dir: str | Path = DEFAULT_RUNS_DIR) -> "DataFrame":
    """Return a table of the runs in a folder.

    Args:
        runs_dir: The folder that holds the runs.

    Returns:
        One row per run, sorted by name: `name`, `status`, and the values of its summary with dotted names, such as
        `test.accuracy`. Runs without a value have NaN.
    """
    import pandas as pd

    from dropout_cli import runs
    from dropout_cli.analysis import run_table

    listed = run_table.read_facts(runs.all_runs(Path(runs_dir)), sizes=False)
    return pd.json_normalize([dict(facts) for facts in run_table.select_runs(listed, (), "name")])


def list_variants() -> "DataFrame":
    """Return a table of the dropout variants.

    Returns:
        One row per variant, with its name as the index: what it does, what it acts on, what it learns, and its paper.
    """
    import pandas as pd

    from dropout_cli.variants.toolkit import catalog

    return pd.DataFrame(catalog.list_variants()).set_index("name")

"""The reproductions that come with the package, and how long they take here."""

import os
import time
from pathlib import Path

from dropout_cli.config.files import bundled_configs, is_file_path
from dropout_cli.core.bundled import configs_folder
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.registry import did_you_mean
from dropout_cli.core.shell_words import join_words
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.reproduction.load import load_reproduction
from dropout_cli.sweeps.reproduction.stored import read_reproduction

PAPERS = "papers"
"""The folder of bundled configs that holds reproduction files."""
REFERENCE_SECONDS = 0.0275
"""Seconds of `_matmul_seconds` on the machine with two cores on which `minutes` were measured."""


def bundled_papers() -> dict[str, Path]:
    """Return name -> file of every bundled reproduction."""
    return {path.stem: path for path in sorted((configs_folder() / PAPERS).glob("*.yaml"))}


def find_paper(name: str) -> Path:
    """Return the file of a reproduction.

    Args:
        name: The name of a bundled one, or a file.

    Raises:
        ConfigError: There is neither.
    """
    papers = bundled_papers()
    if name in papers:
        return papers[name]
    if is_file_path(Path(name)):
        return Path(name)
    if not name.strip():
        raise ConfigError("NAME", "is empty", "`dropout reproduce` lists the reproductions.")
    if Path(name).is_dir():
        raise ConfigError(name, "is a folder", "Give a YAML file in it.")
    if name in bundled_configs():
        raise ConfigError(name, "is a config, not a reproduction", f"Use `dropout train {name}`.")
    near = did_you_mean(name, list(papers))
    raise ConfigError(name, "is neither a bundled reproduction nor a file", near or "`dropout reproduce` lists them.")


def bundled_command(folder: SweepFolder) -> str | None:
    """Return the command that makes a bundled reproduction again, without `--out`; None for another.

    Raises:
        UsageError: A file of the folder is damaged.
    """
    reproduction, stored = read_reproduction(folder)
    bundled = bundled_papers().get(stored.name)
    if bundled is None or load_reproduction(bundled).document.paper != reproduction.document.paper:
        return None
    words = ["dropout", "reproduce", stored.name, "--scale", stored.scale, "--seeds", str(stored.seeds)]
    trained = {row.name for row in reproduction.trained_rows(stored.scale)}
    # Folders of older versions do not list rows that read the runs of another row.
    if not {name for name in trained if not reproduction.rows[name].given.same_runs} <= {*stored.runs} <= trained:
        words += ["--rows", ",".join(stored.runs)]
    return join_words(words)


def speed_factor() -> float:
    """Return how many times as long as on the reference machine a run takes here."""
    return _matmul_seconds() / REFERENCE_SECONDS * 2 / max(1, os.cpu_count() or 1)


def _matmul_seconds() -> float:
    """Return the best of some times for a product of two matrices on one core."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    a, b = (np.ones((1024, 1024), np.float32) for _ in range(2))
    times = []
    with threadpool_limits(1):
        for _ in range(5):
            start = time.thread_time()  # does not count the time of other programs
            np.matmul(a, b)
            times.append(time.thread_time() - start)
    return min(times)

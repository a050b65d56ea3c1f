"""The resolved config of an existing run."""

from dropout_cli import config
from dropout_cli.config.files import check_config_bytes
from dropout_cli.config.schema import Experiment
from dropout_cli.runs import RESOLVED, Run


def load_run_config(run: Run, *, is_stored: bool = True) -> Experiment:
    """Return the experiment in the `resolved.yaml` of a run.

    Args:
        run: The run; its folder may come from an untrusted source.
        is_stored: False refuses settings that new runs refuse.

    Raises:
        ConfigError: The file holds no valid config.
        UsageError: The file is missing, a link or not a regular file.
    """
    path = run.path / RESOLVED
    text = check_config_bytes(run.read(RESOLVED), str(path))
    return config.load_config(path, text=text, is_stored=is_stored).experiment

"""Impossible runs are refused before a folder is made; unset sizes fit the data."""

from pathlib import Path

import pytest

from dropout_cli import config
from dropout_cli.core.errors import ConfigError
from dropout_cli.training.setup import prepare
from tests.training.test_run import train


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.batch_size=5000", "training.batch_size: 5000 is more than the 1,168 training examples"),
        ("architecture.hidden=[10000000, 10000000]", "weights needs about .* GB of memory"),
    ],
)
def test_what_cannot_train_is_refused_before_a_folder_is_made(tmp_path: Path, override: str, message: str) -> None:
    """Nothing is left behind."""
    with pytest.raises(ConfigError, match=message):
        train(tmp_path, override)
    assert not (tmp_path / "runs").exists()


def test_a_batch_size_that_nobody_wrote_fits_the_data(tmp_path: Path) -> None:
    """64, or all training examples where they are fewer, which is said; what is recorded trains again as it stands."""
    (tmp_path / "few.csv").write_text("a,kind\n" + "".join(f"{n},{'xy'[n % 2]}\n" for n in range(40)))
    (tmp_path / "few.yaml").write_text("dataset: {name: table, path: few.csv}\n")
    prepared = prepare(config.load_config(tmp_path / "few.yaml").experiment)
    assert prepared.experiment.training.batch_size == len(prepared.dataset.train) == 26
    assert prepared.notices == ("training.batch_size: set to 26, the number of training examples.",)
    (tmp_path / "resolved.yaml").write_text(config.to_yaml(prepared.experiment))
    again = prepare(config.load_config(tmp_path / "resolved.yaml").experiment)
    assert again.experiment == prepared.experiment and again.notices == ()
    with pytest.raises(ConfigError, match="64 is more than the 26 training examples"):
        prepare(config.load_config(tmp_path / "few.yaml", ["training.batch_size=64"]).experiment)
    assert (
        prepare(config.load_config(tmp_path / "few.yaml", ["dataset=digits"]).experiment).experiment.training.batch_size
        == 64
    )

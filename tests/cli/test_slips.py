"""Common slips on the command line: exit code 2 and one line that says what to write instead."""

from pathlib import Path

import pytest

from tests.commands import dropout

SLIPS: list[tuple[list[str], str]] = [
    (["train", "digits", "--epochs", "5"], "Write `training.epochs=5`."),
    (["train", "digits", "--batch-size=5"], "Write `training.batch_size=5`."),
    (["train", "digits", "--training.epochs", "5"], "Write `training.epochs=5`."),
    (["train", "digits", "--epochs"], "Write `training.epochs=VALUE`."),
    (["sweep", "digits", "--rate", "0,0.5"], "Write `dropout.rate=0,0.5`."),
    (["config", "check", "digits", "--hidden", "[8]"], "Write `architecture.hidden='[8]'`."),
    (["train", "digits", "--nonsense", "5"], "No such option: --nonsense"),
    (["show", "latest", "--epochs", "5"], "No such option: --epochs"),
    (["train", "digits", "dropout.rate", "=", "0.5"], "Write `dropout.rate=0.5`."),
    (["train", "digits", "dropout.rate=", "0.5"], "Write `dropout.rate=0.5`."),
    (["train", "digits", "dropout.rate", "=0.5"], "Write `dropout.rate=0.5`."),
    (["sweep", "digits", "--baseline", "dropout.rate", "=", "0"], "Write `dropout.rate=0`."),
    (["train", "dropout.rate=0.5", "digits"], " train digits dropout.rate=0.5`."),
    (["sweep", "dropout.rate=0,1", "digits", "seed=3"], " sweep digits dropout.rate=0,1 seed=3`."),
    (["train", "dropout.rate=0.5"], "the config is missing. Write `"),
    (["predict", "new.csv", "latest"], " predict latest new.csv`."),
    (["predict", "missing.csv", "latest"], " predict latest missing.csv`."),
    (["eval", "latest", "val"], " eval latest --split val`."),
    (["eval", "best", "latest"], " eval latest --checkpoint best`."),
    (["eval", "latest", "dropout.rate=0.5"], "a run keeps the config that it was trained with"),
    (["sweep", "digits", "seeds=3"], "Write `--seeds 3`."),
    (["sweep", "digits", "splits=same"], "Write `--splits same`."),
    (["sweep", "digits", "dropout.rate=0,1", "jobs=2"], "Write `--jobs 2`."),
    (["sweep", "digits", "dry_run=true"], "Write `--dry-run`."),
    (["train", "digits", "name=my run"], "Write `--name 'my run'`."),
    (["show", "lastest"], "runs has no runs. Train one first"),
    (["train", "digts"], "Did you mean 'digits'?"),
    (["variants", "spatail"], "Did you mean 'spatial'?"),
    (["datasets", "mnits"], "Did you mean 'mnist'?"),
    (["fetch", "mnits"], "Did you mean 'mnist'?"),
    (["train", "digits", "dropout.variant=spatail"], "Did you mean 'spatial'?"),
    (["help", "trian"], "No such command 'trian'"),
]


@pytest.mark.parametrize(("arguments", "expected"), SLIPS, ids=[" ".join(words) for words, _ in SLIPS])
def test_a_slip_gets_one_line_with_the_way_out(arguments: list[str], expected: str, tmp_path: Path) -> None:
    """Nothing is trained, and nothing is left behind."""
    (tmp_path / "new.csv").write_text("a,b\n1,2\n")
    done = dropout(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert expected in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]


def test_words_with_equals_signs_are_taken_where_they_are_right(tmp_path: Path) -> None:
    """A config file may have = in its name, and a value may be empty or contain =."""
    (tmp_path / "a=b.yaml").write_text("dataset: digits\n")
    assert dropout("config", "check", "a=b.yaml", "seed=3", cwd=tmp_path).returncode == 0
    assert dropout("config", "check", "digits", "training.max_norm=", "seed=3", cwd=tmp_path).returncode == 0
    named = dropout("config", "show", "digits", "training.init_from=a=b", cwd=tmp_path)
    assert "must be one word" not in named.stderr


@pytest.mark.parametrize("command", [[], ["train"], ["config"], ["config", "show"], ["runs"]], ids=" ".join)
def test_help_has_three_spellings(command: list[str], tmp_path: Path) -> None:
    """`-h`, `--help` and `dropout help COMMAND` print the same."""
    printed = [dropout(*words, cwd=tmp_path) for words in ([*command, "-h"], [*command, "--help"], ["help", *command])]
    assert {done.returncode for done in printed} == {0}
    assert len({done.stdout for done in printed}) == 1 and printed[0].stdout.startswith("Usage: ")


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist", "cifar10"])
def test_missing_data_say_where_they_were_searched(dataset: str, tmp_path: Path) -> None:
    """Every searched folder is named, with $DROPOUT_DATA and whether it is set; exit code 3."""
    homes = {"HOME": str(tmp_path / "home"), "XDG_DATA_HOME": "", "http_proxy": "http://127.0.0.1:9"}
    homes |= {"https_proxy": "http://127.0.0.1:9"}
    (tmp_path / "home").write_text("no folder, so that nothing can be downloaded")
    (tmp_path / "data").write_text("no folder either")
    for configured, state in ((str(tmp_path / "data"), "is set"), ("", "is not set")):
        env = {**homes, "DROPOUT_DATA": configured}
        done = dropout("train", "digits", f"dataset={dataset}", cwd=tmp_path, env=env)
        assert done.returncode == 3 and len(done.stderr.splitlines()) == 1, done.stderr
        assert f"$DROPOUT_DATA {state}" in done.stderr
        assert str(tmp_path / "home/.local/share/dropout" / dataset) in done.stderr
        assert (str(tmp_path / "data" / dataset) in done.stderr) == bool(configured)

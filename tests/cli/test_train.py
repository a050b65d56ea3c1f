"""`dropout train` and the commands that read what it wrote, as a user meets them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import TINY, dropout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.CompletedProcess[str]]]:
    """A folder with a config and one finished run, and what training it printed."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.yaml").write_text(TINY)
    yield folder, dropout("train", "tiny.yaml", "--no-plots", cwd=folder)


def test_train_prints_the_run_folder_alone_on_stdout(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """So `run=$(dropout train ...)` works; progress is on stderr and in log.txt."""
    folder, done = trained
    assert done.returncode == 0
    run = folder / done.stdout.removesuffix("\n")
    assert run.parent == folder / "runs" and (run / "MANIFEST.sha256").is_file()
    assert run.name.split("_")[1] == "digits-mlp-inverted-r0.2-s0"
    lines = done.stderr.splitlines()
    assert [line.split("  ")[0] for line in lines[:2]] == ["epoch 1/2", "epoch 2/2"]
    assert lines[2].startswith("The probabilities of this network are not better than")  # it has hardly been trained
    assert (run / "log.txt").read_text().splitlines() == lines[:3]  # the result follows, see test_result.py


def test_train_json_is_the_summary_with_the_run(tmp_path: Path) -> None:
    """One JSON object, nothing else; --quiet silences the epochs, --name names the folder."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout(
        "train",
        "tiny.yaml",
        "dropout.rate=0.4",
        "yardstick=none",
        "--json",
        "--quiet",
        "--name",
        "mine",
        "--runs-dir",
        "out",
        cwd=tmp_path,
    )
    printed = json.loads(done.stdout)
    run = tmp_path / printed.pop("run")
    assert printed == json.loads((run / "summary.json").read_text())
    assert printed["config"]["dropout"]["rate"] == 0.4
    assert done.stderr == "" and run.parent.name == "out" and "_mine_" in run.name
    assert (run / "curves.png").is_file()


def test_a_changed_variant_drops_what_it_lacks_and_says_so(tmp_path: Path) -> None:
    """The notice is on stderr and in the log."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout("train", "tiny.yaml", "dropout.variant=concrete", "--no-plots", cwd=tmp_path)
    assert done.returncode == 0
    notice = done.stderr.splitlines()[0]
    assert "dropout.rate: ignored, because" in notice and "concrete" in notice
    assert (tmp_path / done.stdout.strip() / "log.txt").read_text().startswith(notice)


def test_eval_prints_run_split_checkpoint_and_numbers(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """The same numbers as in the summary, from a prefix, a path or `latest`."""
    folder, done = trained
    run = folder / done.stdout.strip()
    summary = json.loads((run / "summary.json").read_text())
    for reference in ("latest", run.name[:20], str(run)):
        printed = json.loads(dropout("eval", reference, "--split", "val", "--json", "--no-plots", cwd=folder).stdout)
        assert (folder / printed.pop("run")).resolve() == run.resolve()
        assert (printed.pop("split"), printed.pop("checkpoint")) == ("val", "last")
        assert printed == summary["val"]
    assert "accuracy" in dropout("eval", "latest", "--no-plots", cwd=folder).stdout


def test_runs_lists_filters_and_sorts(tmp_path: Path) -> None:
    """By keys of the summary; values are compared, never evaluated as code."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    for rate in ("0.1", "0.5", "0.3"):
        assert (
            dropout("train", "tiny.yaml", f"dropout.rate={rate}", "--no-plots", "--quiet", cwd=tmp_path).returncode == 0
        )

    def rates(*arguments: str) -> list[float]:
        printed = json.loads(dropout("runs", "--json", *arguments, cwd=tmp_path).stdout)
        return [run["config"]["dropout"]["rate"] for run in printed["runs"]]

    assert sorted(rates()) == [0.1, 0.3, 0.5]
    assert rates("--sort", "config.dropout.rate") == [0.1, 0.3, 0.5]
    assert rates("--sort", "-config.dropout.rate", "--where", "config.dropout.rate > 0.2") == [0.5, 0.3]
    assert rates("--where", "config.dropout.rate<0.4", "--where", "config.dropout.rate != 0.1") == [0.3]
    assert rates("--where", "status == completed", "--where", "test.accuracy > 2") == []
    assert dropout("runs", cwd=tmp_path).stdout.count("completed") == 3
    both = dropout("runs", "--where", "test.accuracy > 0.1 and status == completed", cwd=tmp_path)
    assert "Give --where twice: --where 'test.accuracy > 0.1' --where 'status == completed'." in both.stderr
    assert rates("--where", "status != this and that") == rates()
    for wrong in ("__import__('os').system('x')", "test.acuracy > 0.1"):
        refused = dropout("runs", "--where", wrong, cwd=tmp_path)
        assert refused.returncode == 2 and len(refused.stderr.splitlines()) == 1


def test_show_names_status_numbers_and_files(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """All about one run."""
    folder, _ = trained
    shown = dropout("show", "latest", cwd=folder).stdout
    for expected in ("completed", "test.accuracy", "checkpoints/last.safetensors"):
        assert expected in shown


def test_a_diverging_run_exits_with_1_and_is_listed_as_failed(tmp_path: Path) -> None:
    """The error names epoch and step; the status of the folder is `failed`."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout(
        "train",
        "tiny.yaml",
        "training.optimizer={name: sgd, learning_rate: 1e30}",
        "--no-plots",
        "--quiet",
        cwd=tmp_path,
    )
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and "step" in done.stderr and "learning_rate" in done.stderr
    listed = json.loads(dropout("runs", "--json", cwd=tmp_path).stdout)["runs"]
    assert [run["status"] for run in listed] == ["failed"]


def test_two_runs_started_in_the_same_second_do_not_collide(tmp_path: Path) -> None:
    """Folders are created exclusively."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    command = [sys.executable, "-m", "dropout_cli", "train", "tiny.yaml", "--no-plots", "--quiet"]
    started = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) for _ in range(3)]
    paths = {process.communicate(timeout=600)[0] for process in started}
    assert len(paths) == 3 and all(process.returncode == 0 for process in started)

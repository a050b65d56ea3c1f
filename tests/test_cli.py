"""The command line as a user meets it: a process of its own, its output, its exit code, and what it leaves behind."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

TINY = """\
dataset: digits
architecture: {name: mlp, hidden: [8]}
dropout: {variant: inverted, rate: 0.2}
training: {epochs: 2, steps_per_epoch: 5}
"""


def dropout(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command and wait for it."""
    return subprocess.run(
        [sys.executable, "-m", "dropout_cli", *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.CompletedProcess[str]]]:
    """A folder with a config and one finished run, and what training it printed."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.yaml").write_text(TINY)
    yield folder, dropout("train", "tiny.yaml", "--no-plots", cwd=folder)


def test_train_prints_the_run_folder_alone_on_stdout(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """So `run=$(dropout train ...)` works; progress is on stderr, a line per epoch, and in log.txt."""
    folder, done = trained
    assert done.returncode == 0
    run = folder / done.stdout.removesuffix("\n")
    assert run.parent == folder / "runs" and (run / "MANIFEST.sha256").is_file()
    assert run.name.split("_")[1] == "digits-mlp-inverted-r0.2-s0"
    lines = done.stderr.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert (run / "log.txt").read_text().splitlines() == lines


def test_train_json_is_the_summary_with_the_run(tmp_path: Path) -> None:
    """One JSON object, nothing else; --quiet silences the epochs, --name names the folder."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout(
        "train",
        "tiny.yaml",
        "dropout.rate=0.4",
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
    """The notice stands on stderr and in the log."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout("train", "tiny.yaml", "dropout.variant=none", "--no-plots", cwd=tmp_path)
    assert done.returncode == 0
    notice = done.stderr.splitlines()[0]
    assert "rate" in notice and "none" in notice
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
    for wrong in ("__import__('os').system('x')", "test.acuracy > 0.1"):
        refused = dropout("runs", "--where", wrong, cwd=tmp_path)
        assert refused.returncode == 2 and len(refused.stderr.splitlines()) == 1


def test_show_names_status_numbers_and_files(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """All about one run."""
    folder, _ = trained
    shown = dropout("show", "latest", cwd=folder).stdout
    for expected in ("completed", "test.accuracy", "checkpoints/last.safetensors"):
        assert expected in shown


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--version"], "dropout 0."),
        (["--help"], "train"),
        (["variants"], "gaussian"),
        (["variants", "inverted"], "y = m (.) a / q"),
        (["datasets"], "breast_cancer"),
        (["datasets", "moons"], "noise"),
        (["config", "show", "digits"], "variant: inverted"),
        (["config", "show", "digits", "dropout.rate=0.45", "--explain"], "command line"),
        (["config", "show", "digits", "--model"], "hidden1/relu"),
        (["config", "check", "digits"], "right"),
        (["config", "schema"], "https://json-schema.org/draft/2020-12/schema"),
    ],
)
def test_commands_that_look_things_up(arguments: list[str], expected: str, tmp_path: Path) -> None:
    """They print to stdout, exit with 0 and leave nothing behind."""
    done = dropout(*arguments, cwd=tmp_path)
    assert done.returncode == 0 and expected in done.stdout and done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_config_init_writes_a_config_that_trains_and_never_overwrites(tmp_path: Path) -> None:
    """The way in for a new user."""
    assert dropout("config", "init", "mine.yaml", cwd=tmp_path).stdout == "mine.yaml\n"
    assert dropout("config", "check", "mine.yaml", cwd=tmp_path).returncode == 0
    again = dropout("config", "init", "mine.yaml", cwd=tmp_path)
    assert again.returncode == 2 and "is there already" in again.stderr


BAD_CONFIGS: dict[str, tuple[bytes, str]] = {
    "empty file": (b"", "empty"),
    "not YAML": (b"dataset: [digits", "bad.yaml:2:1: not YAML"),
    "a list": (b"- dataset: digits\n", "mapping"),
    "unknown key": (b"dataset: digits\nepoch: 3\n", "epoch: unknown key"),
    "unknown variant": (b"dataset: digits\ndropout: {variant: invertd}\n", "Did you mean 'inverted'?"),
    "wrong type": (b"dataset: digits\ntraining: {epochs: many}\n", "training.epochs"),
    "rate 1.0": (b"dataset: digits\ndropout: {variant: inverted, rate: 1.0}\n", "must be below 1, got 1.0"),
    "rate -0.1": (b"dataset: digits\ndropout: {variant: inverted, rate: -0.1}\n", "dropout.rate"),
    "NaN": (b"dataset: digits\ndropout: {variant: inverted, rate: .nan}\n", "dropout.rate"),
    "no hidden layers": (b"dataset: digits\narchitecture: {name: mlp, hidden: []}\n", "architecture.hidden"),
    "rates for other layers": (
        b"dataset: digits\narchitecture: {name: mlp, hidden: [4, 4]}\ndropout: {variant: inverted, rate: [0.1]}\n",
        "1 rates for 2 hidden layers",
    ),
    "a layer too large": (b"dataset: digits\narchitecture: {name: mlp, hidden: [2000000000]}\n", "GB to train"),
    "a batch too large": (b"dataset: digits\ntraining: {batch_size: 100000}\n", "training.batch_size"),
    "a duplicated key": (b"dataset: digits\nseed: 1\nseed: 2\n", "seed"),
    "a bomb": (
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c + 1, c + 1, b",".join([b"*%c" % c] * 9)) for c in range(97, 109)),
        "bad.yaml",
    ),
    "10 MB": (b"# " + b"x" * 10_000_000, "MB"),
    "a tag": (b"dataset: !!python/object/apply:os.system [echo]\n", "bad.yaml:1"),
    "binary": (bytes(range(256)) * 4, "bad.yaml"),
}


@pytest.mark.parametrize("case", BAD_CONFIGS)
def test_a_bad_config_is_one_clear_line(case: str, tmp_path: Path) -> None:
    """Exit 2, one line that names the place, no traceback, no folder."""
    text, expected = BAD_CONFIGS[case]
    (tmp_path / "bad.yaml").write_bytes(text)
    done = dropout("train", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout == "" and expected in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


def test_every_mistake_has_a_line_of_its_own(tmp_path: Path) -> None:
    """All at once, in the order of the file, with line and column."""
    (tmp_path / "bad.yaml").write_text(
        "dataset: digits\ndropout: {variant: inverted, rte: 0.5}\ntraining:\n  epochs: 0\n  batch_size: 1.5\n"
    )
    lines = dropout("train", "bad.yaml", cwd=tmp_path).stderr.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["bad.yaml:2:30", "dropout.rte"],
        ["bad.yaml:4:11", "training.epochs"],
        ["bad.yaml:5:15", "training.batch_size"],
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["train", "nowhere.yaml"], 2, "nowhere.yaml"),
        (["train", "."], 2, "directory"),
        (["train", "digit"], 2, "digits"),
        (["train", "digits", "dropout.rate"], 2, "dropout.rate"),
        (["train", "digits", "--runs-dir", "/dev/null/runs", "--quiet", "training.epochs=1"], 1, "cannot be written"),
        (["eval", "nothing"], 2, "no such run"),
        (["show", "latest"], 2, "no such run"),
        (["eval", "latest", "--split", "tset"], 2, "--help"),
        (["tarin"], 2, "tarin"),
        (["variants", "droput"], 2, "Choose from"),
        (["datasets", "minst"], 2, "mnist"),
        (["fetch", "digits"], 2, "nothing needs fetching"),
        (["train", "digits", "dataset={name: mnist, path: /nowhere}"], 3, "/nowhere"),
        (["train", "digits", f"dataset.fingerprint={'0' * 64}"], 3, "fingerprint"),
        (["train", "digits", "dataset.test_fraction=0.001"], 3, "test_fraction"),
    ],
)
def test_other_mistakes_have_their_exit_code_and_one_line(
    arguments: list[str], code: int, expected: str, tmp_path: Path
) -> None:
    """2 for the command line, 3 for data, 1 for what cannot be written; nothing is left behind."""
    done = dropout(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert done.stdout == "" and expected in done.stderr and len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_diverging_run_exits_with_1_and_is_listed_as_failed(tmp_path: Path) -> None:
    """The line names epoch and step; the folder says `failed`."""
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


@pytest.mark.skipif(os.name != "posix", reason="signals and pipes as POSIX has them")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_last_epoch(sent: signal.Signals, code: int, tmp_path: Path) -> None:
    """The run is `interrupted`, with a checkpoint, and the exit code is 128 plus the signal."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    command = [sys.executable, "-m", "dropout_cli", "train", "tiny.yaml", "training.epochs=1000000"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(sent)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "interrupted, and saved as it was after epoch" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    (run,) = json.loads(dropout("runs", "--json", cwd=tmp_path).stdout)["runs"]
    assert run["status"] == "interrupted"
    assert (tmp_path / "runs" / run["name"] / "checkpoints/last.safetensors").is_file()


@pytest.mark.skipif(os.name != "posix", reason="signals and pipes as POSIX has them")
@pytest.mark.parametrize("command", ["datasets --json", "config show digits --explain", "variants"])
def test_a_closed_pipe_is_no_error(command: str, tmp_path: Path) -> None:
    """`dropout ... | true` says nothing and leaves nothing."""
    line = f"{sys.executable} -m dropout_cli {command} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "" and done.stdout.strip() in ("0", "141")


@pytest.mark.skipif(os.name != "posix", reason="signals and pipes as POSIX has them")
def test_training_whose_reader_went_away_stops_quietly_and_is_saved(tmp_path: Path) -> None:
    """`dropout train ... 2>&1 | head -1`: exit 141, run interrupted."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    line = (
        f"{sys.executable} -m dropout_cli train tiny.yaml training.epochs=1000000 2>&1 | head -1;"
        " echo ${PIPESTATUS[0]}"
    )
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    first, code = done.stdout.splitlines()
    assert first.startswith("epoch") and code == "141" and done.stderr == ""
    (run,) = json.loads(dropout("runs", "--json", cwd=tmp_path).stdout)["runs"]
    assert run["status"] == "interrupted"


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal")
def test_on_a_terminal_progress_is_one_live_display(tmp_path: Path) -> None:
    """A bar that redraws itself, no color under NO_COLOR; log.txt still has a plain line per epoch."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "dropout_cli", "train", "tiny.yaml", "training.epochs=3", "--no-plots"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=slave,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"},
    ) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        out, _ = process.communicate(timeout=60)
    os.close(master)
    assert process.returncode == 0
    text = shown.decode()
    assert "epoch 3/3" in text and "100%" in text
    assert "\x1b[3" not in text  # no color codes
    log = (tmp_path / out.strip() / "log.txt").read_text()
    assert len(log.splitlines()) == 3 and "\x1b" not in log


def test_help_imports_nothing_heavy() -> None:
    """`dropout --help` is there at once: neither NumPy nor anything slower is imported."""
    code = (
        "import sys; sys.argv = ['dropout', '--help']\n"
        "from dropout_cli.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'pandas', 'matplotlib', 'rich', 'yaml', 'safetensors'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_every_command_and_option_has_help(tmp_path: Path) -> None:
    """Nothing on the command line is left unexplained."""
    import typer

    from dropout_cli.cli.application import app

    group = typer.main.get_command(app)
    pending = [group]
    seen = 0
    while pending:
        command = pending.pop()
        assert command.help, command.name
        pending.extend(getattr(command, "commands", {}).values())
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{command.name} {parameter.name}"
            seen += 1
    assert seen > 20


def test_two_runs_started_in_the_same_second_do_not_collide(tmp_path: Path) -> None:
    """Folders are created exclusively."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    command = [sys.executable, "-m", "dropout_cli", "train", "tiny.yaml", "--no-plots", "--quiet"]
    started = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) for _ in range(3)]
    paths = {process.communicate(timeout=120)[0] for process in started}
    assert len(paths) == 3 and all(process.returncode == 0 for process in started)

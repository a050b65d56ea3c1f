"""`dropout export --format tensorboard`: TensorBoard's own reader gives back the numbers of runs and sweeps."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from dropout_cli.core.errors import UsageError
from dropout_cli.export import export_run
from dropout_cli.runs import Run
from dropout_cli.training import restore
from tests.commands import TINY, dropout
from tests.export.small_models import Models


def read(folder: Path) -> Any:
    """Return TensorBoard's reader after it has read the files of a folder."""
    everything = {"scalars": 0, "tensors": 0, "images": 0}
    accumulator = EventAccumulator(str(folder), size_guidance=everything)
    accumulator.Reload()
    return accumulator


def hyperparameters_in(reader: Any) -> dict[str, Any]:
    """Return the hyperparameters of a run as TensorBoard stores them."""
    content = reader.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    found = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in found.items()}


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, a sweep, and the files of both."""
    folder = tmp_path_factory.mktemp("board")
    (folder / "tiny.yaml").write_text(TINY)
    assert dropout("train", "tiny.yaml", "dropout.variant=concrete", "--quiet", cwd=folder).returncode == 0
    sweep = ("sweep", "tiny.yaml", "dropout.rate=0,0.3", "--seeds", "2", "--quiet", "--jobs", "1", "--out", "sweep")
    assert dropout(*sweep, cwd=folder).returncode == 0
    for reference, output in (("latest", "run-board"), ("sweep", "sweep-board")):
        done = dropout("export", reference, "--format", "tensorboard", "--out", output, cwd=folder)
        assert (done.returncode, done.stdout) == (0, f"{output}\n")
        assert done.stderr == f"TensorBoard shows it in a browser:\ntensorboard --logdir {output}\n"
    return folder


def check_scalars(run: Run, reader: Any) -> None:
    """Compare the scalars of a reader with `metrics.csv` and `summary.json` of a run."""
    columns = run.table("metrics.csv").columns()
    for name in columns.keys() - {"epoch"}:
        events = reader.Scalars(name)
        assert [event.step for event in events] == columns["epoch"]
        np.testing.assert_array_equal(
            np.array([event.value for event in events], np.float32), np.array(columns[name], np.float32)
        )
    for part in ("train", "val", "test"):
        (event,) = reader.Scalars(f"final/{part}_accuracy")
        assert np.float32(event.value) == np.float32(run.summary()[part]["accuracy"])


def test_a_run_is_read_back_with_scalars_histograms_figures_and_config(board: Path) -> None:
    """Every column at every epoch, final metrics, every weight and learned rate, every figure."""
    (run,) = Run.all_in(board / "runs")
    reader = read(board / "run-board")
    check_scalars(run, reader)
    with restore.load_without_data(run).learner.averaged() as network:
        weights = {name: parameter.value for name, parameter in network.parameters().items()}
    assert "hidden1/dropout/theta" in weights
    for name, array in weights.items():
        (event,) = reader.Tensors(f"weights/{name}")
        buckets = np.frombuffer(event.tensor_proto.tensor_content, np.float64).reshape(-1, 3)
        assert buckets[:, 2].sum() == array.size
        np.testing.assert_allclose([buckets[0, 0], buckets[-1, 1]], [array.min(), array.max()], rtol=1e-6)
    figures = {path.stem: path.read_bytes() for path in run.path.glob("*.png")}
    assert figures
    for name, data in figures.items():
        (image,) = reader.Images(f"figures/{name}")
        assert image.encoded_image_string == data and image.width > image.height / 10 > 1
    stored = hyperparameters_in(reader)
    assert stored["dropout.variant"] == "concrete" and stored["training.epochs"] == 2


def test_the_runs_of_a_sweep_are_compared_by_the_keys_that_differ(board: Path) -> None:
    """A folder per run with the rate and the seed as hyperparameters, and the figures of the sweep."""
    cells = sorted((board / "sweep/cells").iterdir())
    assert len(cells) == 4
    found = []
    for cell in cells:
        reader = read(board / "sweep-board" / cell.name)
        check_scalars(Run(cell), reader)
        found.append(hyperparameters_in(reader))
    assert sorted((one["dropout.rate"], one["seed"]) for one in found) == [(0, 0), (0, 1), (0.3, 0), (0.3, 1)]
    root = read(board / "sweep-board")
    content = root.SummaryMetadata("_hparams_/experiment").plugin_data.content
    experiment = plugin_data_pb2.HParamsPluginData.FromString(content).experiment
    assert [info.name for info in experiment.hparam_infos] == ["dropout.rate", "seed"]
    assert "final/test_accuracy" in {info.name.tag for info in experiment.metric_infos}
    assert {f"figures/{path.stem}" for path in (board / "sweep").glob("*.png")} == {*root.Tags()["images"]}


def test_the_same_run_gives_the_same_bytes_and_the_folder_of_a_sweep_has_a_default(board: Path) -> None:
    """A second export replaces the file, and the sweep is still verified."""
    first = {path: path.read_bytes() for path in board.glob("*-board/**/*") if path.is_file()}
    assert len(first) == 6
    for reference, output in (("latest", "run-board"), ("sweep", "sweep-board")):
        assert dropout("export", reference, "--format", "tensorboard", "-o", output, cwd=board).returncode == 0
    assert {path: path.read_bytes() for path in first} == first
    done = dropout("export", "sweep", "--format", "tensorboard", cwd=board)
    assert done.stdout == "sweep/tensorboard\n" and len(list((board / "sweep/tensorboard").iterdir())) == 5
    assert dropout("verify", "sweep", cwd=board).returncode == 0


def test_a_link_in_a_sweep_folder_is_not_followed(board: Path, tmp_path: Path) -> None:
    """A sweep may come from a stranger."""
    link = board / "sweep/tensorboard"
    if link.exists():
        link.rename(tmp_path / "former")
    (tmp_path / "elsewhere").mkdir()
    link.symlink_to(tmp_path / "elsewhere")
    done = dropout("export", "sweep", "--format", "tensorboard", cwd=board)
    assert done.returncode == 2 and "is a symbolic link" in done.stderr
    assert not list((tmp_path / "elsewhere").iterdir())
    link.unlink()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("sweep", "--format", "onnx"),
            "sweep: is a sweep; only --format tensorboard exports a sweep, without --noise. ",
        ),
        (("latest", "--format", "tensorboard", "--noise"), "--noise: has no effect on --format tensorboard. "),
    ],
)
def test_what_does_not_fit_together_is_one_line(words: tuple[str, ...], line: str, board: Path) -> None:
    """Exit code 2, and nothing on stdout."""
    done = dropout("export", *words, cwd=board)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1


def test_without_the_package_tensorboard_the_command_says_how_to_install_it(
    models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line, and nothing is written."""
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.record_writer", None)
    with pytest.raises(
        UsageError,
        match=r"--format tensorboard: needs the package tensorboard, which is not installed. Install it with `pip",
    ):
        export_run(models("none").run, "tensorboard", output=tmp_path / "board")
    assert not list(tmp_path.iterdir())

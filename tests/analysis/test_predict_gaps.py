"""Runs on tables with gaps: their row numbers, their stored choices, and predictions of every row."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.analysis import predict
from dropout_cli.core import npz
from dropout_cli.data.sources.table import TableSource
from dropout_cli.runs import Run
from dropout_cli.training.checkpoint import DEFAULTS_OF_NEW_KEYS, comparable_config
from tests.commands import dropout
from tests.small_run import train

KEYS = "drop_missing_target: true, missing_categories: auto, missing_indicator: true, normalize_labels: true"
KEPT = 'not_missing: ["None"], min_class_rows: 3, rare_classes: merge, test_rows: [1, 3, 5, 6, 50, 51, 90, 91]'


def rows_of(count: int = 120) -> list[str]:
    """Rows with gaps in the target (every tenth), numbers (every fifth) and words (every seventh)."""
    rng = np.random.default_rng(0)
    sizes = rng.normal(10, 2, count).round(3)
    rows = []
    for n, size in enumerate(sizes):
        kind = "" if n % 10 == 0 else f"rare{n}" if n in (11, 22, 33) else ("small", "Small.", "big")[(size > 10) * 2]
        color = "" if n % 7 == 0 else "None" if n % 7 == 1 else ("red", "Red", "blue")[n % 3]
        rows.append(f"{color},{'' if n % 5 == 0 else size},{n % 9},{kind}")
    rows[12] = rows[12].replace("small", "Small.").replace("big", "Big")
    return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the table."""
    folder = tmp_path_factory.mktemp("gaps")
    (folder / "t.csv").write_text("color,size,age,kind\n" + "\n".join(rows_of()) + "\n")
    return folder


@pytest.fixture(scope="module")
def run(home: Path) -> Run:
    """Trained on it with all keys."""
    return train(
        home,
        f"dataset={{name: table, path: {home}/t.csv, {KEYS}, {KEPT}}}",
        "training.epochs=5",
        "training.batch_size=16",
    )


def predicted(run: Run, file: Path) -> list[dict[str, str | float]]:
    """The rows of all blocks."""
    blocks = list(predict.predict_file(run, file))
    return [dict(zip(block.names, row, strict=True)) for block in blocks for row in block.rows]


def test_every_row_is_predicted_and_numbered_as_in_the_file(run: Run, home: Path) -> None:
    """Rows without a target too; those of the test part have the stored probabilities under their row number."""
    rows = predicted(run, home / "t.csv")
    assert len(rows) == 120 and {row["predicted"] for row in rows} <= {"big", "small", "other"}
    stored = npz.read_npz(run.read("predictions.npz"), "p")
    assert stored["rows"].tolist() == [1, 3, 5, 6, 51, 91]
    for number, probs in zip(stored["rows"].tolist(), stored["probabilities"], strict=True):
        names = [f"probability {name}" for name in ("big", "small", "other")]
        np.testing.assert_allclose([rows[number][name] for name in names], probs, atol=1e-6)


def test_the_choice_of_auto_is_stored(run: Run) -> None:
    """The resolved config says level; training it again gives the same bytes."""
    experiment = config.load_config(run.path / "resolved.yaml", is_stored=True).experiment
    assert isinstance(experiment.dataset, TableSource) and experiment.dataset.missing_categories == "level"
    verified = dropout("verify", str(run.path), cwd=run.path)
    assert verified.returncode == 0, verified.stderr
    again = dropout("train", str(run.path / "resolved.yaml"), "--quiet", cwd=run.path.parent)
    assert again.returncode == 0, again.stderr
    other = Run(run.path.parent / again.stdout.strip())
    for name in ("predictions.npz", "preprocessing.safetensors", "metrics.csv"):
        assert other.read(name) == run.read(name), name


def test_new_spellings_are_those_of_the_training(run: Run, tmp_path: Path) -> None:
    """`RED ` is red; a missing color is a category; `None` is another one."""
    (tmp_path / "new.csv").write_text(
        "color,size,age\nred,9,4\nRED ,9,4\n red.,9,4\nNone,9,4\nnone,9,4\n,9,4\n?,9,4\nblue,,4\n"
    )
    blocks = list(predict.predict_file(run, tmp_path / "new.csv"))
    (block,) = blocks
    assert not any("unknown" in notice for notice in block.notices)
    probs = [tuple(row[4:]) for row in block.rows]
    assert probs[0] == probs[1] == probs[2] and probs[3] == probs[4] and probs[5] == probs[6]
    assert len({probs[0], probs[3], probs[5], probs[7]}) == 4


def test_a_workbook_is_predicted_like_text(run: Run, tmp_path: Path) -> None:
    """`None` is a word there, too."""
    import pandas as pd

    frame = pd.DataFrame(
        {"color": ["None", "red", None], "size": [9, None, 9], "age": [4, 4, 4], "kind": ["big", "", None]}
    )
    frame.to_csv(tmp_path / "new.csv", index=False)
    frame.to_excel(tmp_path / "new.xlsx", index=False)
    text, book = (predicted(run, tmp_path / name) for name in ("new.csv", "new.xlsx"))
    assert [row["probability big"] for row in text] == [row["probability big"] for row in book] and len(text) == 3
    assert len({row["probability big"] for row in text}) == 3


def test_configs_without_the_new_keys_are_those_of_before(home: Path) -> None:
    """Each default is left out of the digest of a config, and changes nothing else."""
    (home / "old.yaml").write_text(f"dataset: {{name: table, path: {home}/t.csv}}\ndropout: {{variant: none}}\n")
    values = config.to_dict(config.load_config(home / "old.yaml").experiment)
    keys = {key for block, key in DEFAULTS_OF_NEW_KEYS if block == "dataset"}
    assert keys & {*values["dataset"]} >= {"not_missing", "min_class_rows", "normalize_labels", "missing_indicator"}
    assert not keys & {*comparable_config(values)["dataset"]}

"""Known against strange examples: made here, of another config, or from a file."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis.certainty.out_of_distribution import study_out_of_distribution
from dropout_cli.analysis.certainty.score_figures import SCORE_WORDS, score_figures
from dropout_cli.analysis.certainty.strangers import MADE_STRANGERS
from dropout_cli.analysis.inspection import Inspection
from dropout_cli.core.errors import ConfigError, DataError, UsageError
from dropout_cli.core.types import Array
from dropout_cli.metrics.out_of_distribution import Separation, separate
from dropout_cli.runs import Run
from dropout_cli.training import restore
from tests.small_run import train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A classification of digits."""
    return train(tmp_path_factory.mktemp("ood"))


def stored_scores(found: Inspection, folder: Path) -> dict[str, Array]:
    """The scores of all examples."""
    (folder / "scores.npz").write_bytes(found.files["scores.npz"])
    with np.load(folder / "scores.npz") as arrays:
        return dict(arrays)


def numbers(found: Inspection) -> dict[tuple[str, str], dict[str, float]]:
    """The numbers of each score."""
    return {(row["prediction"], row["score"]): row for row in found.numbers["scores"]}


@pytest.mark.parametrize("word", MADE_STRANGERS)
def test_made_strangers_are_as_many_as_the_known_examples(run: Run, word: str, tmp_path: Path) -> None:
    """Five scores, each with the numbers that follow from the stored scores."""
    found = study_out_of_distribution(run, word, passes=3)
    assert found.numbers["known"] == found.numbers["strange"] == 359
    scores = stored_scores(found, tmp_path)
    assert len(numbers(found)) == 5
    for (predictor, score), row in numbers(found).items():
        known, strange = (scores[f"{kind}_{predictor}_{score}"] for kind in ("known", "strange"))
        assert separate(known, strange).auroc == row["auroc"]
        assert known.min() >= 0 and len(known) == 359
    assert set(found.contents(images=True)) >= {"roc.png", "distributions.png", "scores.npz", "results.json"}


def test_a_file_with_the_pictures_of_a_word_gives_its_numbers(run: Run, tmp_path: Path) -> None:
    """The rotated test part from a file is scored as the rotated test part."""
    test = restore.load_model(run).dataset.test
    np.save(tmp_path / "turned.npy", np.rot90(test.x, axes=(1, 2)))
    made = study_out_of_distribution(run, "rotate90", passes=3)
    read = study_out_of_distribution(run, str(tmp_path / "turned.npy"), passes=3)
    assert json.dumps(read.numbers["scores"]) == json.dumps(made.numbers["scores"])
    assert re.fullmatch(r"ood-turned-[0-9a-f]{6}-test-last-mc3", read.folder)


def test_files_of_one_name_have_folders_of_their_own(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In two folders, or with the name of a word; a path and its absolute form are one."""
    x = restore.load_model(run).dataset.test.x[:20]
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "uniform.npy", x)
    sources = ("uniform", "a/uniform.npy", "b/uniform.npy", str(tmp_path / "a/uniform.npy"))
    folders = [study_out_of_distribution(run, source, passes=2).folder for source in sources]
    assert folders[0] == "ood-uniform-test-last-mc2"
    assert folders[3] == folders[1] and len(set(folders)) == 3


def test_the_own_examples_are_not_strange(run: Run) -> None:
    """The config of the run gives its own test part: every AUROC is 1/2."""
    found = study_out_of_distribution(run, "digits", passes=2)
    assert found.numbers["strange"] == 359
    assert all(row["auroc"] == 0.5 for row in numbers(found).values())
    assert all(row["auroc_low"] < 0.5 < row["auroc_high"] for row in numbers(found).values())
    assert found.figures[0].finding.startswith(
        "No score separates the strange examples from the known ones: AUROC 0.500"
    )


def test_a_finding_follows_from_the_intervals() -> None:
    """The side of 1/2 is named only if an interval is completely on it."""

    def finding(*aurocs: tuple[float, float, float]) -> str:
        names = [("monte_carlo", name) for name in SCORE_WORDS][: len(aurocs)]
        parts = [Separation(value, low, high, 0.5, 0.5, 0.5, 0.5) for value, low, high in aurocs]
        values = {name: np.arange(4.0) for name in names}
        return score_figures(values, values, dict(zip(names, parts, strict=True)), 20, "")[0].finding

    good, unclear, bad = (0.8, 0.7, 0.9), (0.49, 0.4, 0.6), (0.2, 0.1, 0.3)
    assert finding(good, bad, unclear) == (
        "AUROC 0.800 (0.700 to 0.900) by the score 'Monte Carlo, 20 passes: maximum probability', the best of 3 "
        "scores; by 1 of them the network is surer of the strange examples"
    )
    assert finding(unclear).startswith("No score separates")
    assert finding(bad, bad) == "The network is surer of the strange examples: AUROC 0.200 (0.100 to 0.300) at best"
    assert finding(unclear, bad).startswith("The network is surer of the strange examples by 1 of 2 scores")
    assert "too few examples for an interval" in finding((0.8, math.nan, math.nan))


def test_figures_and_title_name_the_passes(run: Run) -> None:
    """The number of passes is in the title, and with the score in the title of the ROC curves."""
    found = study_out_of_distribution(run, "uniform")
    assert found.title == "Strange examples: images of uniform noise, 20 passes"
    assert re.match(r"(No noise|Monte Carlo, 20 passes): [a-z ]+: to find 95 % of", found.figures[1].finding)
    assert found.figures[0].shown.startswith("share of examples by score, Monte Carlo, 20 passes; known:")


def test_the_notice_about_missing_noise_names_the_given_option(tmp_path: Path) -> None:
    """Without --mc it is --ood."""
    still = train(tmp_path, "dropout.rate=0")
    assert study_out_of_distribution(still, "uniform").notices[0].startswith("--ood: all passes are identical")
    assert study_out_of_distribution(still, "uniform", passes=2).notices[0].startswith("--mc: all passes")


def test_a_table_takes_the_columns_of_its_training_by_name(tmp_path: Path) -> None:
    """Another table with other classes, an unknown word and another order of columns is encoded as in training."""
    rows = [f"{n % 7},{('red', 'blue')[n % 2]},{'ab'[n % 2]}" for n in range(80)]
    (tmp_path / "own.csv").write_text("\n".join(["size,color,kind", *rows]) + "\n")
    others = [f"{('green', 'blue')[n % 2]},{n % 7 + 50},{n % 3},{'xyz'[n % 3]}" for n in range(90)]
    (tmp_path / "other.csv").write_text("\n".join(["color,size,extra,sort", *others]) + "\n")
    (tmp_path / "other.yaml").write_text(f"dataset: {{name: table, path: {tmp_path}/other.csv, target: sort}}\n")
    run = train(tmp_path, f"dataset={{name: table, path: {tmp_path}/own.csv, target: kind}}", "training.batch_size=16")
    found = study_out_of_distribution(run, str(tmp_path / "other.yaml"), passes=2)
    assert (found.numbers["known"], found.numbers["strange"]) == (16, 18)
    from_file = study_out_of_distribution(run, str(tmp_path / "other.csv"), passes=2)
    assert from_file.numbers["strange"] == 90
    (tmp_path / "word.csv").write_text("size,color\n1,red\nmany,red\n")
    with pytest.raises(DataError, match=r"'many' .*Correct it") as raised:
        study_out_of_distribution(run, str(tmp_path / "word.csv"), passes=2)
    assert "--missing" not in str(raised.value)
    with pytest.raises(UsageError, match="uniform needs images"):
        study_out_of_distribution(run, "uniform", passes=2)
    with pytest.raises(DataError, match="does not have the columns 'size', 'color'"):
        study_out_of_distribution(run, _iris(tmp_path), passes=2)


def _iris(folder: Path) -> str:
    (folder / "flowers.yaml").write_text("dataset: iris\n")
    return str(folder / "flowers.yaml")


def test_examples_of_another_size_are_refused(run: Run, tmp_path: Path) -> None:
    """From a config and from a file, with both sizes in the message."""
    np.savez(tmp_path / "large.npz", x=np.zeros((40, 9, 9)), y=np.arange(40) % 2)
    (tmp_path / "large.yaml").write_text(f"dataset: {{name: arrays, path: {tmp_path}/large.npz}}\n")
    for name in ("large.yaml", "large.npz"):
        with pytest.raises(DataError, match=r"shape 9 x 9.* needs 8 x 8 x 1"):
            study_out_of_distribution(run, str(tmp_path / name))
    with pytest.raises(ConfigError, match="no such file"):
        study_out_of_distribution(run, "rotate9")


def test_pictures_in_other_units_get_a_notice(run: Run, tmp_path: Path) -> None:
    """Digits have values up to 16; those of image files, up to 255, are strange for this alone."""
    np.save(tmp_path / "x.npy", restore.load_model(run).dataset.test.x.astype(np.uint8) * 15)
    found = study_out_of_distribution(run, str(tmp_path / "x.npy"), passes=2)
    assert any("largest value of the strange images is 240" in notice for notice in found.notices)
    assert study_out_of_distribution(run, "rotate90", passes=2).notices == []


def test_a_regression_needs_a_spread_that_varies(tmp_path: Path) -> None:
    """Dropout or a predicted variance gives one; without either, the command says so."""
    diabetes = ("dataset={name: diabetes}", "training.epochs=1")
    (tmp_path / "own.yaml").write_text("dataset: diabetes\n")
    source = str(tmp_path / "own.yaml")
    drops = study_out_of_distribution(train(tmp_path / "a", *diabetes, "objective=squared_error"), source, passes=2)
    assert list(numbers(drops)) == [("monte_carlo", "model_sd")]
    varies = train(tmp_path / "b", *diabetes, "objective=gaussian_nll", "dropout.rate=0")
    assert list(numbers(study_out_of_distribution(varies, source))) == [("weight_scaling", "sd")]
    with pytest.raises(UsageError, match="--ood: a regression needs a spread that varies"):
        study_out_of_distribution(train(tmp_path / "c", *diabetes, "objective=squared_error", "dropout.rate=0"), source)


def test_one_pass_has_no_mutual_information_and_no_spread(run: Run, tmp_path: Path) -> None:
    """They are left out with one notice; a regression with no other score says that it needs more passes."""
    found = study_out_of_distribution(run, "uniform", passes=1)
    assert ("monte_carlo", "entropy") in numbers(found) and len(numbers(found)) == 4
    assert found.notices == ["--mc 1: one pass has no mutual information, so it is left out. Use at least 2 passes."]
    (tmp_path / "own.yaml").write_text("dataset: diabetes\n")
    regression = train(tmp_path, "dataset={name: diabetes}", "training.epochs=1", "objective=squared_error")
    with pytest.raises(UsageError, match="these passes have no spread"):
        study_out_of_distribution(regression, str(tmp_path / "own.yaml"), passes=1)


def test_a_file_without_usable_examples_is_refused(run: Run, tmp_path: Path) -> None:
    """Without rows, with NaN, or with numbers that the scaling turns into infinity: one line, and no result."""
    x = 1e-3 * np.random.default_rng(0).random((60, 8, 8))
    np.savez(tmp_path / "small.npz", x=x, y=np.arange(60) % 2)
    small = train(tmp_path, f"dataset={{name: arrays, path: {tmp_path}/small.npz}}", "training.batch_size=16")
    huge = np.full((2, 8, 8), 3e38, np.float32)
    for one, fact, strange in (
        (run, "has no examples", huge[:0]),
        (run, "not a finite 32-bit number", np.full((2, 8, 8), np.nan)),
        (small, "outputs of the network are not finite", huge),
    ):
        np.save(tmp_path / "x.npy", strange)
        with pytest.raises(DataError, match=fact):
            study_out_of_distribution(one, str(tmp_path / "x.npy"), passes=2)


def test_the_name_of_a_dataset_is_its_default_config(run: Run) -> None:
    """Iris has no pictures: its examples are read, and refused for their shape."""
    with pytest.raises(DataError, match=r"--ood iris: its examples have the shape 4, but the network needs 8 x 8 x 1"):
        study_out_of_distribution(run, "iris")

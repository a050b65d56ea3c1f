"""Evaluation of a finished run, without noise and with it."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.analysis import evaluate, verify
from dropout_cli.core.errors import RunFailed, UsageError
from dropout_cli.runs import FORMAT, Run
from dropout_cli.training.run import prepare_run, run_experiment
from dropout_cli.variants import VARIANTS
from tests.small_run import ignore, suited, train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run, which no test changes but for its after/."""
    return train(tmp_path_factory.mktemp("after"))


@pytest.mark.parametrize(("split", "name"), [("test", None), ("val", "best"), ("train", "last")])
def test_eval_recomputes_the_numbers_of_the_summary(tmp_path: Path, split: str, name: str | None) -> None:
    """The checkpoint gives the same digits; the same arguments replace the folder."""
    run = train(tmp_path)
    for _ in range(2):
        found = evaluate.evaluate_run(run, split=split, checkpoint=name, figures=False)
    if found["checkpoint"] == "last":
        assert {key: found[key] for key in run.summary()[split]} == run.summary()[split]
    folder = run.path / "after" / f"eval-{split}-{found['checkpoint']}"
    assert json.loads((folder / "metrics.json").read_bytes())["accuracy"] == found["accuracy"]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert run.status == "completed" and b"after" not in run.read("MANIFEST.sha256")


def test_eval_of_a_part_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A run without validation has no val numbers, with noise or without."""
    run = train(tmp_path, "dataset.val_fraction=0")
    with pytest.raises(UsageError, match="has no val part"):
        evaluate.evaluate_run(run, split="val")
    with pytest.raises(UsageError, match="has no val part"):
        evaluate.evaluate_monte_carlo(run, 2, split="val")


@pytest.mark.parametrize("name", ["resolved.yaml", "checkpoints/last.safetensors"])
def test_eval_uses_no_file_that_was_changed_after_training(tmp_path: Path, name: str) -> None:
    """Another split seed in resolved.yaml would silently mix training and test examples."""
    run = train(tmp_path)
    (run.path / name).write_bytes(run.read(name).replace(b"split_seed: 0", b"split_seed: 5") + b"\n")
    with pytest.raises(RunFailed, match=r"does not match MANIFEST\.sha256"):
        evaluate.evaluate_run(run, figures=False)
    assert not (run.path / "after").exists()


def test_every_way_of_predicting_is_scored(run: Run) -> None:
    """Sampled networks have mean and sample sd; the file has the returned numbers."""
    found = evaluate.evaluate_monte_carlo(run, 5, thinned=3, split="val", checkpoint="best", figures=False)
    assert (found["split"], found["checkpoint"], found["mc"]) == ("val", "best", 5)
    plain = evaluate.evaluate_run(run, split="val", checkpoint="best", figures=False)
    assert found["weight_scaling"] == {key: plain[key] for key in found["weight_scaling"]}
    assert len({found[way]["nll"] for way in ("weight_scaling", "monte_carlo", "geometric_mean")}) == 3
    thinned = found["thinned"]
    for key in ("accuracy", "nll", "brier", "ece"):
        values = [network[key] for network in thinned["networks"]]
        assert len(values) == 3
        assert thinned["mean"][key] == pytest.approx(np.mean(values))
        assert thinned["sd"][key] == pytest.approx(np.std(values, ddof=1))
    stored = json.loads((run.path / "after/eval-val-best-mc5/metrics.json").read_bytes())
    assert stored == {"format": FORMAT} | found


def test_the_predictions_say_what_the_numbers_say(run: Run) -> None:
    """Scores, entropies and matrix of the Monte Carlo mean match predictions.npz."""
    found = evaluate.evaluate_monte_carlo(run, 4, thinned=0)
    folder = run.path / "after/eval-test-last-mc4"
    assert {path.name for path in folder.iterdir()} == {
        "MANIFEST.sha256",
        "confusion_matrix.csv",
        "confusion_matrix.png",
        "metrics.json",
        "mistakes.csv",
        "mistakes.png",
        "predictions.npz",
    }
    with np.load(folder / "predictions.npz", allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    assert list(arrays) == [
        "labels",
        "rows",
        "probabilities",
        "log_probabilities",
        "weight_scaling",
        "geometric_mean",
        "predictive_entropy",
        "expected_entropy",
        "mutual_information",
        "variation_ratio",
    ]
    labels = arrays["labels"]
    ways = {"probabilities": "monte_carlo", "weight_scaling": "weight_scaling", "geometric_mean": "geometric_mean"}
    for name, way in ways.items():
        np.testing.assert_allclose(arrays[name].sum(axis=1), 1, rtol=1e-6)
        assert found[way]["accuracy"] == np.mean(arrays[name].argmax(axis=1) == labels)
    p = arrays["probabilities"]
    np.testing.assert_allclose(np.exp(arrays["log_probabilities"]), p)
    np.testing.assert_allclose(arrays["predictive_entropy"], -(p * np.log(p)).sum(axis=1), rtol=1e-12)
    for name in ("predictive_entropy", "mutual_information"):
        assert found[name] == arrays[name].mean()
    assert found["mutual_information"] == pytest.approx(found["predictive_entropy"] - found["expected_entropy"])
    corrected = np.clip(4 / 3 * arrays["mutual_information"], 0, arrays["predictive_entropy"])
    assert found["mutual_information_corrected"] == pytest.approx(corrected.mean(), rel=1e-12)
    wrong = int(np.sum(p.argmax(axis=1) != labels))
    assert len((folder / "mistakes.csv").read_text().splitlines()) == 1 + min(wrong, 100)
    assert found["thinned"] is None


def test_one_pass_has_nothing_to_disagree_with(run: Run) -> None:
    """With T = 1, mutual information is 0; one sampled network has no sd."""
    found = evaluate.evaluate_monte_carlo(run, 1, thinned=1, figures=False)
    assert found["mutual_information"] < 1e-12 and found["variation_ratio"] == 0
    assert found["mutual_information_corrected"] is None
    assert found["monte_carlo"]["accuracy"] == found["geometric_mean"]["accuracy"]
    assert found["monte_carlo"]["nll"] != found["weight_scaling"]["nll"]
    assert found["thinned"]["sd"]["accuracy"] is None


def test_the_same_question_has_the_same_answer_in_bytes(run: Run) -> None:
    """Every file of the folder."""

    def digests() -> dict[str, str]:
        evaluate.evaluate_monte_carlo(run, 3, thinned=2)
        folder = run.path / "after/eval-test-last-mc3"
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}

    assert digests() == digests()


@pytest.mark.parametrize("name", [name for name, _ in VARIANTS])
def test_every_variant_predicts_with_its_noise_on(tmp_path: Path, name: str) -> None:
    """Passes disagree where there is noise, and `none` has nothing to disagree about."""
    run = train(tmp_path, *suited(name), "training.epochs=1")
    found = evaluate.evaluate_monte_carlo(run, 3, thinned=1, figures=False)
    if name == "none":
        assert found["mutual_information"] < 1e-12
        assert found["thinned"]["networks"][0]["accuracy"] == found["weight_scaling"]["accuracy"]
    else:
        assert found["mutual_information"] > 1e-6


def test_figures_drawn_later_are_those_that_training_draws(tmp_path: Path) -> None:
    """A run of a sweep has no figures until they are drawn on request."""
    quiet = train(tmp_path / "quiet")
    assert not list(quiet.path.glob("*.png"))
    folder = evaluate.draw_run_figures(quiet)
    drawn = Run.create(tmp_path / "drawn", "small")
    loaded = config.load_config(tmp_path / "quiet" / "small.yaml")
    run_experiment(prepare_run(loaded.experiment), drawn, loaded.text, watch=ignore, figures=True)
    names = sorted(path.name for path in drawn.path.glob("*.png"))
    assert names == ["confusion_matrix.png", "curves.png", "mistakes.png"]
    assert [(folder / name).read_bytes() for name in names] == [(drawn.path / name).read_bytes() for name in names]
    assert all(check.right for check in verify.verify_run(quiet))

"""`verify` computes the dummy again, and `--replay` the linear model."""

import json
import shutil
from pathlib import Path

import pytest

from dropout_cli.analysis import replay, verify
from dropout_cli.runs import MANIFEST, Run, json_bytes, manifest
from tests.small_run import ignore, train

DATASETS = ("digits", "breast_cancer", "diabetes")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A finished run on each dataset."""
    here = tmp_path_factory.mktemp("yardsticks")
    return {name: train(here / name, f"dataset.name={name}", "architecture={hidden: [4]}") for name in DATASETS}


def changed(run: Run, tmp_path: Path, model: str, part: str, number: str) -> Run:
    """A copy whose summary has another number, under a manifest that fits."""
    copy = Run(Path(shutil.copytree(run.path, tmp_path / f"{model}-{part}-{number}")))
    summary = copy.summary()
    summary["yardstick"][model][part][number] += 0.01
    copy.path_of("summary.json").write_bytes(json_bytes(summary))
    copy.path_of(MANIFEST).write_bytes(manifest.make_manifest(copy.path))
    return copy


def wrong(checks: list[verify.Check]) -> list[str]:
    """The facts that fail."""
    return [check.fact for check in checks if not check.right]


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_number_of_the_dummy_follows_from_the_labels(
    finished: dict[str, Run], tmp_path: Path, dataset: str
) -> None:
    """A changed number is found, except the likelihood of a regression."""
    run = finished[dataset]
    facts = [check.fact for check in verify.verify_run(run)]
    assert "its baseline numbers match the labels" in facts and not wrong(verify.verify_run(run))
    for number in run.summary()["yardstick"]["dummy"]["test"]:
        found = wrong(verify.verify_run(changed(run, tmp_path, "dummy", "test", number)))
        if dataset == "diabetes" and number == "nll":
            assert found == []
        else:
            (fact,) = found
            assert fact.startswith(f"yardstick.dummy.test.{number} is ") and "recomputed" in fact


@pytest.mark.parametrize("model", ["dummy", "linear"])
@pytest.mark.parametrize("part", ["val", "test"])
def test_a_replay_fits_them_again(finished: dict[str, Run], tmp_path: Path, model: str, part: str) -> None:
    """Equal data give equal numbers; a changed one is noticed."""
    assert "the simple models have the same numbers" in [
        check.fact for check in replay.replay_run(finished["breast_cancer"], watch=ignore)
    ]
    run = changed(finished["breast_cancer"], tmp_path, model, part, "accuracy")
    assert "the simple models have different numbers" in wrong(replay.replay_run(run, watch=ignore))


def test_a_run_without_them_is_verified_and_replayed_as_before(finished: dict[str, Run], tmp_path: Path) -> None:
    """Runs of older versions have none."""
    copy = Run(Path(shutil.copytree(finished["digits"].path, tmp_path / "old")))
    summary = copy.summary()
    del summary["yardstick"]
    del summary["config"]["yardstick"]
    for part in ("train", "val", "test"):
        del summary[part]["ece_if_calibrated"]
    copy.path_of("summary.json").write_bytes(json_bytes(summary))
    copy.path_of(MANIFEST).write_bytes(manifest.make_manifest(copy.path))
    assert not wrong(verify.verify_run(copy))
    checks = replay.replay_run(copy, watch=ignore)
    assert not wrong(checks) and "yardstick" not in json.dumps([check.fact for check in checks])

"""`verify` notices what is not as training left it, and what does not agree with the rest."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis import evaluate, replay, verify
from dropout_cli.core import npz
from dropout_cli.core.errors import UsageError
from dropout_cli.runs import MANIFEST, Run, json_bytes, manifest
from dropout_cli.training import checkpoint, resume
from dropout_cli.training.checkpoint import BEST, LAST
from tests.small_run import ignore, train


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run that has been evaluated once."""
    run = train(tmp_path_factory.mktemp("finished"), "training.save_every=every_epoch")
    evaluate.evaluate_run(run, split="val", figures=False)
    return run


@pytest.fixture
def run(finished: Run, tmp_path: Path) -> Run:
    """A copy of the run that the test may damage."""
    return Run(Path(shutil.copytree(finished.path, tmp_path / "run", symlinks=True)))


def wrong(run: Run) -> list[str]:
    """Return the failed checks as lines."""
    return [f"{check.what}: {check.fact}" for check in verify.verify_run(run) if not check.right]


def is_wrong(run: Run, pattern: str) -> bool:
    """Return True if a failed check matches the pattern."""
    return any(re.match(pattern, line) for line in wrong(run))


def sign(run: Run) -> None:
    """Write a new manifest that fits the changed files."""
    run.path_of(MANIFEST).write_bytes(manifest.make_manifest(run.path))


def test_a_run_as_training_left_it_is_right(finished: Run) -> None:
    """Every check holds, and each kind of check is there."""
    checks = verify.verify_run(finished)
    assert wrong(finished) == []
    looked_at = {check.what for check in checks}
    assert looked_at >= {
        "status",
        MANIFEST,
        "resolved.yaml",
        LAST,
        BEST,
        "summary.json",
        "mistakes.csv",
        "metrics.csv",
    }
    assert "after/eval-val-last" in looked_at


@pytest.mark.parametrize("name", ["predictions.npz", "resolved.yaml", "log.txt", LAST, "confusion_matrix.csv"])
def test_a_changed_file_is_named(name: str, run: Run) -> None:
    """One byte more is enough."""
    with run.path_of(name).open("ab") as file:
        file.write(b"\n")
    assert is_wrong(run, f"{name}: does not match its checksum")


def test_missing_and_additional_files_are_named(run: Run) -> None:
    """The manifest lists all files, and no others."""
    run.path_of("mistakes.csv").unlink()
    run.path_of("notes.txt").write_text("mine")
    assert is_wrong(run, "mistakes.csv: is missing") and is_wrong(run, f"notes.txt: is not listed in {MANIFEST}")


def test_what_came_after_has_its_own_manifest(run: Run) -> None:
    """A changed evaluation is found too."""
    run.path_of("after/eval-val-last/metrics.json").write_text("{}")
    name = "after/eval-val-last"
    assert wrong(run) == [f"{name}/metrics.json: does not match its checksum in {name}/{MANIFEST}"]


def better(run: Run) -> str:
    """Claim another accuracy."""
    summary = run.summary()
    summary["test"]["accuracy"] = 0.999
    run.write("summary.json", json_bytes(summary))
    return "accuracy is 0.999, but recomputed"


def other_predictions(run: Run) -> str:
    """Move a label."""
    stored = npz.read_npz(run.read("predictions.npz"), "predictions.npz")
    labels = stored["labels"].copy()
    labels[0] = (labels[0] + 1) % 10
    run.write("predictions.npz", npz.write_npz(**stored | {"labels": labels}))
    return "nll is .*, but recomputed"


def misshapen_predictions(run: Run) -> str:
    """Probabilities for another number of classes."""
    arrays = {"labels": np.zeros(3, int), "probabilities": np.ones((3, 2)), "log_probabilities": np.zeros((3, 2))}
    run.write("predictions.npz", npz.write_npz(**arrays, rows=np.arange(3)))
    return r"must have the shape \(3, 10\)"


def another_config(run: Run) -> str:
    """Say that it was another rate."""
    run.write("resolved.yaml", run.read("resolved.yaml").replace(b"rate: 0.3", b"rate: 0.5"))
    run.register_resolved(run.read("resolved.yaml"))
    return "its config does not match resolved.yaml"


def other_weights(run: Run) -> str:
    """Replace the weights by those of a run with another seed."""
    arrays, meta = checkpoint.unpack_checkpoint(run.read(LAST), LAST)
    run.write(LAST, checkpoint.pack_checkpoint(arrays, meta | {"config": "0" * 64}))
    return "does not match resolved.yaml"


def another_history(run: Run) -> str:
    """A loss that was never reached."""
    text = run.read("metrics.csv").decode().splitlines()
    text[1] = text[1].replace(",", ",0.5,", 1).rpartition(",")[0]
    run.write("metrics.csv", ("\n".join(text) + "\n").encode())
    return "does not match the history in"


@pytest.mark.parametrize(
    "tamper", [better, other_predictions, misshapen_predictions, another_config, other_weights, another_history]
)
def test_what_fits_the_manifest_must_also_agree_with_the_rest(tamper: Callable[[Run], str], run: Run) -> None:
    """Numbers follow from predictions, predictions' config is the one that was trained."""
    expected = tamper(run)
    sign(run)
    assert not is_wrong(run, MANIFEST) and is_wrong(run, f".*{expected}"), wrong(run)


def test_names_in_a_manifest_lead_nowhere_else(run: Run, tmp_path: Path) -> None:
    """A path out of the folder is not followed, nor is a link, and both are reported."""
    (tmp_path / "outside").write_bytes(b"secret")
    digest = hashlib.sha256(b"secret").hexdigest()
    listed = manifest.parse_manifest(run.read(MANIFEST)) | {"../outside": digest, "link": digest}
    run.path_of(MANIFEST).write_bytes(manifest.format_manifest(listed))
    (run.path / "link").symlink_to(tmp_path / "outside")
    assert is_wrong(run, "../outside: is missing") and is_wrong(run, "link: is a symbolic link"), wrong(run)


def test_an_unfinished_run_is_not_right(run: Run) -> None:
    """Without its manifest nothing vouches for it; its checkpoint is looked at all the same."""
    run.path_of(MANIFEST).unlink()
    assert wrong(run) == ["status: crashed"]
    data = bytearray(run.read(LAST))
    data[100] ^= 4
    run.path_of(LAST).write_bytes(data)
    assert is_wrong(run, f"{LAST}: .*damaged")


def test_a_replay_gives_the_same_bytes(finished: Run) -> None:
    """Only the config is needed; the numbers of the simple models are compared, too."""
    checks = replay.replay_run(finished, watch=ignore)
    compared = {name for name in replay.COMPARED_FILES if finished.has_file(name)} | {"summary.json"}
    assert {check.what for check in checks} == compared and all(check.right for check in checks)


def test_a_replay_says_where_the_two_part_and_why(run: Run) -> None:
    """The first epoch and column that differ, and what is different here."""
    text = run.read("metrics.csv").decode().splitlines()
    cells = text[2].split(",")
    cells[2] = "0.125"
    text[2] = ",".join(cells)
    run.write("metrics.csv", ("\n".join(text) + "\n").encode())
    known = json.loads(run.read("environment.json"))
    known["packages"]["numpy"] = "1.0"
    run.write("environment.json", json_bytes(known))
    sign(run)
    facts = [check.fact for check in replay.replay_run(run, watch=ignore) if not check.right]
    assert any("the first difference is in epoch 2: train_objective was 0.125" in fact for fact in facts)
    assert f"packages.numpy was 1.0 and is now {np.__version__}" in facts


def test_what_no_single_run_repeats_is_not_replayed(tmp_path: Path) -> None:
    """A schedule changed on the way; or a run that is not complete."""
    changed = train(tmp_path, "training.schedule=cosine")
    resume.resume_run(changed, watch=ignore, figures=False, epochs=3, change_schedule=True)
    with pytest.raises(UsageError, match="a single run cannot reproduce it"):
        replay.replay_run(changed, watch=ignore)
    changed.path_of(MANIFEST).unlink()
    with pytest.raises(UsageError, match="this run is not complete"):
        replay.replay_run(changed, watch=ignore)


def test_a_lengthened_run_is_replayed_in_one_go(tmp_path: Path) -> None:
    """This works if nothing depends on the number of epochs."""
    run = train(tmp_path)
    resume.resume_run(run, watch=ignore, figures=False, epochs=3)
    assert wrong(run) == [] and all(check.right for check in replay.replay_run(run, watch=ignore))

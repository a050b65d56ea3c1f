"""Commands of sweeps with every layout: messages, kept runs, continued folders."""

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.folder import SweepFolder
from tests.commands import TINY, dropout

RATES = ("sweep", "base.yaml", "dropout.rate=0,0.3", "--quiet", "--no-plots")


def ends(*words: str, cwd: Path, code: int = 0) -> CompletedProcess[str]:
    """Run the command on the tiny config, and check its exit code."""
    if not (cwd / "base.yaml").exists():
        (cwd / "base.yaml").write_text(TINY)
    done = dropout(*words, cwd=cwd)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


def planned(folder: Path) -> dict[str, Any]:
    """Return the plan in a sweep folder."""
    found: dict[str, Any] = json.loads((folder / "plan.json").read_text())
    return found


def manifests(folder: Path) -> dict[Path, int]:
    """Return the time at which each complete run was completed."""
    return {path: path.stat().st_mtime_ns for path in folder.glob("cells/*/MANIFEST.sha256")}


def test_the_same_again_says_nothing_and_trains_nothing(tmp_path: Path) -> None:
    """A repeated command prints no message and changes no file, in each layout."""
    for number, splits in enumerate([(), ("--splits", "2"), ("--splits", "same")]):
        asked = (*RATES, "--seeds", "2", "--out", f"out{number}", *splits)
        assert ends(*asked, cwd=tmp_path).stderr == ""
        folder = tmp_path / f"out{number}"
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        cells = manifests(folder)
        assert len(cells) == (8 if splits == ("--splits", "2") else 4)
        assert ends(*asked, cwd=tmp_path).stderr == ""
        assert manifests(folder) == cells
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        ends("verify", str(folder), cwd=tmp_path)


def test_a_folder_goes_on_as_it_began(tmp_path: Path) -> None:
    """Without `--splits` a folder keeps its layout, with a message; old plans have one split."""
    folder = tmp_path / "runs/sweep-base"
    ends(*RATES, "--seeds", "2", "--splits", "same", cwd=tmp_path)
    said = "runs/sweep-base: continues with one split for all runs, as it began. For a split per run, use --splits each"
    assert said in ends(*RATES, "--seeds", "3", cwd=tmp_path).stderr
    content = planned(folder)
    assert content.pop("splits") == "same" and {cell["split_seed"] for cell in content["cells"]} == {0}
    assert "splits: same" in (folder / "sweep.yaml").read_text()
    (folder / "plan.json").write_text(json.dumps(content))
    cells = manifests(folder)
    for _ in range(2):
        line = ends(*RATES, "--seeds", "3", cwd=tmp_path).stderr
        assert line.startswith(said) and line.count("\n") == 1
    assert manifests(folder) == cells and planned(folder)["splits"] == "same"
    nested = (*RATES, "--out", "nested")
    ends(*nested, "--splits", "2", cwd=tmp_path)
    told = ends(*nested, "--seeds", "2", "--dry-run", cwd=tmp_path)
    assert "nested: continues with 2 splits, as it began" in told.stderr
    assert "4 new runs, 4 kept, 0 no longer used" in told.stderr


def test_a_layout_that_is_no_layout_means_a_damaged_plan(tmp_path: Path) -> None:
    """An invalid layout is a one-line error, and nothing is trained."""
    ends(*RATES, "--seeds", "1", cwd=tmp_path)
    plan = tmp_path / "runs/sweep-base/plan.json"
    for wrong in ('"every"', "0", "1001", "null"):
        plan.write_text(plan.read_text().replace('"splits": "each"', f'"splits": {wrong}'))
        (line,) = ends(*RATES, "--seeds", "1", cwd=tmp_path, code=2).stderr.splitlines()
        assert "plan.json: is damaged (splits" in line
        plan.write_text(plan.read_text().replace(f'"splits": {wrong}', '"splits": "each"'))


def test_more_seeds_keep_the_cells(tmp_path: Path) -> None:
    """With a split for each seed, one more seed trains one run per group."""
    ends(*RATES, "--seeds", "2", cwd=tmp_path)
    cells = manifests(tmp_path / "runs/sweep-base")
    assert "2 new runs, 4 kept, 0 no longer used" in ends(*RATES, "--seeds", "3", cwd=tmp_path).stderr
    assert cells.items() <= manifests(tmp_path / "runs/sweep-base").items()


def test_a_student_stays_on_the_split_of_its_teacher(tmp_path: Path) -> None:
    """A student has the split of its teacher, with a message; other splits are refused."""
    teacher = ends("train", "base.yaml", "dataset.split_seed=3", "--quiet", "--no-plots", cwd=tmp_path).stdout.strip()
    (tmp_path / "base.yaml").write_text(
        f"{TINY.replace('dataset: digits', 'dataset: {name: digits, split_seed: 3}')}"
        f"objective: {{name: distillation, teacher: {teacher}}}\n"
    )
    for splits in ("each", "2"):
        (line,) = ends(*RATES, "--splits", splits, cwd=tmp_path, code=2).stderr.splitlines()
        assert line.startswith(
            f"splits: {splits} is not possible with objective: distillation, because on other splits"
        )
    assert not (tmp_path / "runs/sweep-base").exists()
    (line,) = ends(*RATES, "--seeds", "2", cwd=tmp_path).stderr.splitlines()
    assert line.startswith("objective.teacher: on other splits, the teacher") and line.endswith(
        "so all runs share one split."
    )
    content = planned(tmp_path / "runs/sweep-base")
    assert content["splits"] == "same" and {cell["split_seed"] for cell in content["cells"]} == {3}
    assert ends(*RATES, "--seeds", "2", cwd=tmp_path).stderr == ""
    assert ends(*RATES, "--seeds", "2", "--splits", "same", "--out", "other", cwd=tmp_path).stderr == ""


def test_a_student_stays_on_the_fold_of_its_teacher(tmp_path: Path) -> None:
    """A student has only the fold of its teacher, which was trained on the other folds."""
    keys = ("dataset.folds=3", "dataset.fold=2")
    teacher = ends("train", "base.yaml", *keys, "--quiet", "--no-plots", cwd=tmp_path).stdout.strip()
    (tmp_path / "base.yaml").write_text(
        f"{TINY.replace('dataset: digits', 'dataset: {name: digits, folds: 3, fold: 2}')}"
        f"objective: {{name: distillation, teacher: {teacher}}}\n"
    )
    ends(*RATES, "--seeds", "2", cwd=tmp_path)
    assert [cell["fold"] for cell in planned(tmp_path / "runs/sweep-base")["cells"]] == [2] * 4


def test_weights_to_start_from_keep_one_split_unless_told(tmp_path: Path) -> None:
    """Initial weights keep one split, unless `--splits each` says that they are unrelated."""
    run = ends("train", "base.yaml", "--quiet", "--no-plots", cwd=tmp_path).stdout.strip()
    asked = (*RATES, f"training.init_from={run}", "--seeds", "2", "--dry-run")
    assert "training.init_from: the initial weights may come from" in ends(*asked, cwd=tmp_path).stderr
    assert ends(*asked, "--splits", "each", cwd=tmp_path).stderr == ""


def test_what_data_do_not_vary_is_said_once(tmp_path: Path) -> None:
    """A fixed test part is mentioned once, and not again for the same command."""
    rows = "".join(f"{n},{n % 7},{n % 2}\n" for n in range(40))
    for name in ("table.csv", "test.csv"):
        (tmp_path / name).write_text(f"a,b,label\n{rows}")
    (tmp_path / "base.yaml").write_text(
        TINY.replace("digits", "{name: table, path: table.csv, test_path: test.csv, task: classification}")
    )
    said = "dataset: table: the test part is fixed; the training and validation parts vary.\n"
    assert ends(*RATES, "--seeds", "2", "--dry-run", cwd=tmp_path).stderr == said
    assert ends(*RATES, "--seeds", "2", cwd=tmp_path).stderr == said
    assert ends(*RATES, "--seeds", "2", cwd=tmp_path).stderr == ""
    tests = {(path / "predictions.npz").stat().st_size for path in (tmp_path / "runs/sweep-base/cells").iterdir()}
    assert len(tests) == 1


def test_folds_are_trained_and_kept(tmp_path: Path) -> None:
    """Every seed is trained on every fold, and plan, runs and tables verify."""
    asked = (*RATES, "dataset.folds=3", "--seeds", "2")
    assert '"cells": 12' in ends(*asked, "--dry-run", "--json", cwd=tmp_path).stdout
    ends(*asked, cwd=tmp_path)
    folder = tmp_path / "runs/sweep-base"
    stored = [(cell["seed"], cell["split_seed"], cell["fold"]) for cell in planned(folder)["cells"]]
    assert stored[:6] == [(seed, seed, fold) for seed in range(2) for fold in range(3)]
    records, plan = stored_plan.read_runs(SweepFolder(folder))
    assert [tuple(record.replicate) for record in records] == stored and [one.fold for one in plan.cells[:3]] == [
        0,
        1,
        2,
    ]
    ends("verify", str(folder), cwd=tmp_path)
    cell = folder / "cells" / records[1].name
    ends("verify", str(cell), "--replay", "--quiet", cwd=tmp_path)
    ends("eval", str(cell), "--no-plots", cwd=tmp_path)
    ends(*RATES, "--seeds", "1", "--out", "plain", cwd=tmp_path)
    assert not any("fold" in one for one in planned(tmp_path / "plain")["cells"])


def test_a_fold_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """`train` refuses it with a one-line error at the key."""
    for keys, said in (
        (["dataset.fold=1"], "dataset.fold=1: needs dataset.folds. Set it, for example to 5."),
        (["dataset.folds=3", "dataset.fold=3"], "dataset.fold=3: must be below the number of folds, 3; got 3."),
        (["dataset.folds=1"], "dataset.folds=1: must be at least 2, got 1."),
    ):
        assert ends("train", "base.yaml", *keys, cwd=tmp_path, code=2).stderr == f"{said}\n"
    assert not (tmp_path / "runs").exists()


def test_what_a_split_decides_makes_no_groups_of_its_own(tmp_path: Path) -> None:
    """`compare` keeps the groups of the plan, although `balanced` weights differ by split."""
    (tmp_path / "base.yaml").write_text(
        f"{TINY.replace('digits', '{name: iris, val_fraction: 0.13}')}objective: {{class_weights: balanced}}\n"
    )
    ends(*RATES, "--seeds", "3", cwd=tmp_path)
    weights = {
        json.dumps(json.loads(path.read_text())["config"]["objective"]["class_weights"])
        for path in tmp_path.glob("runs/sweep-base/cells/*/summary.json")
    }
    assert len(weights) > 1
    compared = ends("compare", "runs/sweep-base", "--format", "json", cwd=tmp_path)
    assert len(json.loads(compared.stdout)["groups"]) == 2
    swept = ("sweep", "base.yaml", "objective.class_weights=null,balanced", "--seeds", "3", "--quiet", "--no-plots")
    ends(*swept, "--out", "swept", cwd=tmp_path)
    groups = json.loads(ends("compare", "swept", "--format", "json", cwd=tmp_path).stdout)["groups"]
    assert [group["metrics"]["test.accuracy"]["n"] for group in groups] == [3, 3]

"""Sweeps: what is asked for, which cells that makes, and what they say when they are trained."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config, locks
from dropout_cli.errors import ConfigError, UsageError
from dropout_cli.statistics.paired import sign_flip
from dropout_cli.sweeps import attainable, conduct, document, plan, probe, stored, tables, workers
from dropout_cli.sweeps.evidence import Evidence, Record, baselines, weigh
from dropout_cli.sweeps.folder import Folder
from tests.cli_process import dropout

BASE = """\
dataset: digits
architecture: {name: mlp, hidden: [8]}
dropout: {variant: inverted, rate: 0.2, input_rate: 0.1}
training: {epochs: 2, steps_per_epoch: 5}
"""


def planned(tmp_path: Path, text: str, *overrides: str, **settings: str | None) -> plan.Plan:
    """The plan of a sweep file over the small config."""
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "sweep.yaml").write_text(f"base: base.yaml\n{text}")
    return plan.make(document.load(tmp_path / "sweep.yaml", overrides, **settings))  # type: ignore[arg-type]


def test_a_grid_is_every_combination(tmp_path: Path) -> None:
    """Three rates of two networks with two seeds: twelve cells, each with a name of its own."""
    made = planned(
        tmp_path,
        "grid: {dropout.rate: {from: 0.1, to: 0.3, step: 0.1}, architecture.hidden: [[8], [4, 4]]}\nseeds: 2\n",
    )
    assert made.keys == ("dropout.rate", "architecture.hidden")
    assert [group.values["dropout.rate"] for group in made.groups] == [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]
    assert len({cell.id for cell in made.cells}) == len(made.cells) == 12
    assert {cell.pair for cell in made.cells} == {(0, 0), (1, 0)}
    assert {cell.experiment.training.threads for cell in made.cells} == {1}


def test_a_key_that_a_choice_lacks_is_left_out_and_equal_cells_are_one(tmp_path: Path) -> None:
    """No dropout at three rates is one group; its rate is empty."""
    made = planned(tmp_path, "grid: {dropout.variant: [none, inverted], dropout.rate: [0.1, 0.2, 0.3]}\nseeds: [7]\n")
    assert [tuple(group.values.values()) for group in made.groups] == [
        ("none", None),
        *(("inverted", rate) for rate in (0.1, 0.2, 0.3)),
    ]
    assert (made.skipped, made.merged) == (3, 2)


def test_a_mapping_replaces_a_block_and_a_tag_keeps_its_keys(tmp_path: Path) -> None:
    """`dropout: [...]` begins anew; `dropout.variant: [...]` keeps what the base says and the variant has."""
    made = planned(
        tmp_path, "grid: {dropout: [none, {variant: concrete}, {variant: inverted, rate: 0.5}]}\nseeds: [0]\n"
    )
    assert made.keys == ("dropout.variant", "dropout.rate")
    last = made.groups[2].config["dropout"]
    assert (last["rate"], last["input_rate"]) == (0.5, 0.0)
    kept = planned(tmp_path, "grid: {dropout.variant: [inverted, gaussian]}\nseeds: [0]\n")
    assert [group.config["dropout"]["rate"] for group in kept.groups] == [0.2, 0.2]


def test_zip_and_random_and_set(tmp_path: Path) -> None:
    """Keys that move together, keys drawn at random, and what is the same for all."""
    made = planned(
        tmp_path,
        "set: {training.epochs: 3}\n"
        "zip: {architecture.hidden: [[4], [8]], training.batch_size: [32, 64]}\n"
        "random: {count: 3, draw: {training.optimizer.learning_rate: {log_uniform: [1e-4, 1e-2]}}}\nseeds: [0]\n",
    )
    assert len(made.groups) == 6
    assert {cell.experiment.training.epochs for cell in made.cells} == {3}
    rates = {cell.experiment.training.optimizer.learning_rate for cell in made.cells}
    assert len(rates) == 3
    assert all(1e-4 <= rate <= 1e-2 for rate in rates)


def test_seeds_that_are_swept_with_splits_make_pairs(tmp_path: Path) -> None:
    """`zip` over seed and split seed: one group, as many pairs."""
    made = planned(tmp_path, "zip: {seed: [0, 1, 2], dataset.split_seed: [5, 6, 7]}\n")
    assert made.keys == ()
    assert [cell.pair for cell in made.cells] == [(0, 5), (1, 6), (2, 7)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("grid: {dropout.rate: [0.1, 1.5]}", "sweep.yaml:2:28: dropout.rate: must be below 1"),
        ("grid: {dropout.rte: [0.1]}", "sweep.yaml:2:22: dropout.rte: unknown key. Did you mean 'rate'"),
        ("grid: {dropout.rate: []}", "grid.dropout.rate: an empty list leaves nothing to train"),
        ("grid: {dropout.rate: 0.3}", "grid.dropout.rate: must be a list of values or {from, to, step}"),
        ("grid: {dropout.rate: {from: 0, to: 1, step: -1}}", "a step of -1 does not lead from 0 to 1"),
        ("grid: {dropout.rate: {from: 0, to: 1, step: 1e-9}}", "10,000 are the most"),
        ("grid: {dropout.rate: {from: .nan, to: 1, step: .inf}}", "from, to and step must be numbers"),
        ("random: {count: 2, draw: {dropout.rate: {uniform: [0, .inf]}}}", "uniform: must be [LOW, HIGH]"),
        ("random: {count: 1e30, draw: {dropout.rate: {uniform: [0, 1]}}}", "random.count: must be"),
        (f"random: {{count: {10**30}, draw: {{dropout.rate: {{uniform: [0, 1]}}}}}}", "random.count: must be at most"),
        (f"seeds: {10**30}", "seeds: must be at most"),
        (
            f"grid: {{{', '.join(f'a{n}: {{from: 0, to: 99, step: 1}}' for n in range(9))}}}",
            "1,000,000,000,000,000,000 combinations, and 100,000 are the most",
        ),
        ("zip: {seed: [0, 1], dropout.rate: [0.1]}", "need as many values each (seed has 2, dropout.rate has 1)"),
        ("random: {count: 2, draw: {dropout.rate: {normal: [0, 1]}}}", "must be one of uniform, log_uniform"),
        ("random: {count: 2, draw: {dropout.rate: {uniform: [1, 0]}}}", "uniform: 1 is not below 0"),
        ("grid: {dropout.rate: [0.1]}\nzip: {dropout.rate: [0.2]}", "dropout.rate: is swept twice"),
        ("seeds: [1, 1]", "seeds: must be different numbers"),
        ("seed: 3", "unknown key. Did you mean 'seeds'?"),
        ("metric: test.acuracy", "metric: 'test.acuracy' is no number of a run"),
        ("grid: {seed: {from: 0, to: 9999, step: 1}, dataset.split_seed: {from: 0, to: 99, step: 1}}", "are the most"),
    ],
)
def test_mistakes_have_places(tmp_path: Path, text: str, said: str) -> None:
    """Place, fact and way out, before anything is made."""
    with pytest.raises(ConfigError) as caught:
        planned(tmp_path, f"{text}\n")
    assert said in str(caught.value)


def test_a_cell_is_named_by_what_differs_from_the_defaults(tmp_path: Path) -> None:
    """Threads, and whether a default is written, do not count; a rate does."""
    one = planned(tmp_path, "grid: {dropout.rate: [0.1]}\nseeds: [0]\n").cells[0].id
    assert one == planned(tmp_path, "set: {training.threads: 2, dropout.rate: 0.1}\nseeds: [0]\n").cells[0].id
    assert one == planned(tmp_path, "set: {dropout.rate: 0.1, training.l2: 0.0}\nseeds: [0]\n").cells[0].id
    assert one == planned(tmp_path, "set: {dropout.rate: 0.1, training.batch_size: 64}\nseeds: [0]\n").cells[0].id
    assert one != planned(tmp_path, "set: {dropout.rate: 0.1, training.batch_size: 32}\nseeds: [0]\n").cells[0].id
    assert one != planned(tmp_path, "set: {dropout.rate: 0.1}\nseeds: [1]\n").cells[0].id


def test_the_command_line_sweeps_without_a_file(tmp_path: Path) -> None:
    """`KEY=V1,V2` on a config; on a sweep file it takes the place of what stands there."""
    (tmp_path / "base.yaml").write_text(BASE)
    asked = document.load(tmp_path / "base.yaml", ["dropout.rate=0,[0.5]", "architecture.hidden=[8],[6]"], seeds="3,5")
    assert [one.value for point in asked.points for one in point if one.key == "dropout.rate"] == [0, 0, [0.5], [0.5]]
    assert asked.seeds == (3, 5)
    ranged = document.load(tmp_path / "base.yaml", ["dropout.rate={from: 0, to: 0.2, step: 0.1}"])
    assert [point[0].value for point in ranged.points] == [0, 0.1, 0.2]
    over = planned(tmp_path, "grid: {dropout.rate: [0.1, 0.2, 0.3]}\n", "dropout.rate=0.4", seeds="1")
    assert len(over.cells) == 1
    (tmp_path / "again.yaml").write_bytes(asked.text)
    assert plan.make(document.load(tmp_path / "again.yaml")).cells == plan.make(asked).cells


def record(seed: int, accuracy: float, split: int = 0, **values: object) -> Record:
    """A run as far as evidence looks at it."""
    scores = {"accuracy": accuracy, "error": 1 - accuracy, "nll": 0.1, "brier": 0.1, "ece": 0.1, "macro_f1": accuracy}
    part = scores | {"per_class": [{"support": 100}]}
    named = {key.replace("_", "."): value for key, value in values.items()}
    return Record(f"{seed}", named, (seed, split), {"train": part, "val": part, "test": part})


def test_groups_are_compared_at_equal_seeds() -> None:
    """Pairs are the seeds that both have; the verdict follows the direction of the metric."""
    records = [record(seed, 0.90 + 0.001 * seed, dropout_rate=0) for seed in range(8)]
    records += [record(seed, 0.92 + 0.0011 * seed, dropout_rate=0.5) for seed in range(2, 10)]
    found = weigh(records, ["dropout.rate"], metric="test.accuracy")
    (one,) = found.comparisons
    assert one.paired.n == 6
    assert one.paired.mean == pytest.approx(0.02 + 0.0001 * 4.5)
    assert (one.paired.test.p, one.verdict) == (2 / 64, "better")
    errors = weigh(records, ["dropout.rate"], metric="test.error")
    assert errors.comparisons[0].verdict == "better"
    assert errors.comparisons[0].paired.won == 6


def test_nothing_shown_is_not_called_equal() -> None:
    """Within a margin where one is given and the interval lies inside it."""
    records = [
        record(seed, 0.9 + 0.001 * (seed % 2 == rate), dropout_rate=rate) for seed in range(6) for rate in (0, 1)
    ]
    plain = weigh(records, ["dropout.rate"], metric="test.accuracy")
    assert plain.comparisons[0].verdict == "no difference shown"
    assert weigh(records, ["dropout.rate"], metric="test.accuracy", margin=0.01).comparisons[0].verdict == "within 0.01"
    assert any("not 'equal'" in note for note in tables.notes(plain))


def against_rate_0(rates: int, seeds: int, tied: int = 0, test: str = "sign_flip") -> Evidence:
    """As many rates as asked for, each worse than rate 0 at every seed but the tied ones."""
    records = [
        record(seed, 0.9 + 0.001 * seed - 0.02 * bool(rate) * (seed >= tied), dropout_rate=rate)
        for rate in range(rates + 1)
        for seed in range(seeds)
    ]
    return weigh(records, ["dropout.rate"], metric="test.accuracy", test=test)


def test_what_p_can_be_at_best_is_corrected_and_said() -> None:
    """Two comparisons of six pairs: .062, which no difference passes, and a seed more is enough; ties take no part."""
    few, enough, tied = against_rate_0(2, 6), against_rate_0(2, 7), against_rate_0(2, 7, tied=1)
    assert {one.verdict for one in few.comparisons} == {"no difference shown"}
    assert {one.smallest for one in few.comparisons} == {one.p_holm for one in few.comparisons} == {4 / 64}
    assert list(attainable.of_evidence(few)) == [
        "2 comparisons of 6 pairs cannot fall below p = 0.062; 7 seeds are needed."
    ]
    assert {one.verdict for one in enough.comparisons} == {"worse"}
    assert list(attainable.of_evidence(enough)) == []
    assert {one.smallest for one in tied.comparisons} == {4 / 64}
    assert "2 comparisons of 6 pairs that are not tied" in "".join(tables.notes(tied))
    headers, rows = tables.overview(few)
    assert rows[1][headers.index("smallest p")] == "0.062"


@pytest.mark.parametrize("comparisons", [1, 2, 3, 10, 1000, 4000])
def test_so_many_seeds_are_enough_and_one_less_is_not(comparisons: int) -> None:
    """By Holm's correction of the bounds themselves."""
    needed = attainable.seeds_needed(comparisons)
    assert needed is not None
    at_best = [
        comparisons * sign_flip(np.linspace(1, 2, pairs)).smallest if pairs > 1 else 1 for pairs in (needed, needed - 1)
    ]
    assert at_best[0] < 0.05 <= at_best[1]
    assert attainable.seeds_needed(5000) is None


def test_students_test_has_no_smallest_p() -> None:
    """Neither the column nor a word of it."""
    found = against_rate_0(2, 3, test="t")
    assert "smallest p" not in tables.overview(found)[0]
    assert "smallest" not in "".join(tables.notes(found))
    assert tables.as_dict(found)["comparisons"][0]["smallest_p"] is None


def test_notes_speak_of_what_is_there() -> None:
    """Of single runs there are no intervals, and no tests."""
    for rates in (0, 1):
        said = "\n".join(tables.notes(against_rate_0(rates, 1)))
        assert not any(word in said for word in ("t interval", "p (Holm)", "d_z", "Wilson", "intervals speak"))
    assert "no p-values. More seeds" in said


def test_splits_that_vary_are_said_and_corrected() -> None:
    """The correction is in the intervals, and the notes name it."""
    records = [record(seed, 0.9 + 0.01 * seed, split=seed) for seed in range(4)]
    found = weigh(records, [], metric="test.accuracy")
    assert found.split_varies
    assert any("Nadeau" in note for note in tables.notes(found))
    assert any("one split" in note for note in tables.notes(weigh(records[:1], [], metric="test.accuracy")))


def test_settings_on_several_datasets_are_ranked() -> None:
    """And none of them is the best on validation: that would compare data, not settings."""
    records = [
        record(seed, 0.8 + 0.01 * place + 0.001 * seed, dataset_name=data, dropout_rate=rate)
        for data in ("a", "b", "c")
        for place, rate in enumerate((0.5, 0.2, 0))
        for seed in range(2)
    ]
    found = weigh(records, ["dataset.name", "dropout.rate"], metric="test.accuracy")
    assert found.chosen is None
    assert found.ranks is not None
    assert found.ranks[2].average == [3, 2, 1]
    assert len(found.comparisons) == 6
    assert any("Nemenyi" in note for note in tables.notes(found))


def test_a_baseline_is_found_for_each_group() -> None:
    """It shares the keys that it has; where several would do, more keys are asked for."""
    keys = ("architecture.hidden", "dropout.variant", "dropout.rate")
    groups: list[dict[str, object]] = [
        dict(zip(keys, values, strict=True))
        for values in ((8, "none", None), (8, "inverted", 0.1), (4, "none", None), (4, "inverted", 0.1))
    ]
    assert baselines(groups, keys, None) == [0, 0, 2, 2]
    with pytest.raises(UsageError, match="no group has"):
        baselines(groups, keys, {"dropout.variant": "nine"})
    with pytest.raises(UsageError, match="means 2 groups"):
        baselines([{"a": 1, "b": None}, {"a": 1, "b": 2}], ("a", "b"), {"a": 1})


def run(tmp_path: Path, folder: Path, text: str, **settings: object) -> conduct.Report:
    """Conduct a sweep over the small config."""
    made = planned(tmp_path, text)
    asked: dict[str, object] = {"metric": "test.accuracy", "baseline": None, "margin": None, "draw": False}
    return conduct.conduct(
        made,
        Folder(folder),
        b"",
        watch=lambda _: None,
        **{"notice": lambda _: None} | asked | settings,  # type: ignore[arg-type]
    )


def test_a_sweep_trains_what_is_missing_and_only_that(tmp_path: Path) -> None:
    """The same again trains nothing and changes no byte; one more seed trains one cell per group; JSON agrees."""
    folder = tmp_path / "out"
    text = "grid: {dropout.rate: [0, 0.4]}\nseeds: 2\n"
    report = run(tmp_path, folder, text, draw=True)
    assert (report.failures, report.missing) == ({}, 0)
    cells = {path.name: (path / "MANIFEST.sha256").stat().st_mtime_ns for path in (folder / "cells").iterdir()}
    assert len(cells) == 4
    written = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix and path.is_file()}
    assert {"results.csv", "summary.csv", "comparisons.csv", "notes.txt", "metric.png", "differences.png"} <= set(
        written
    )
    run(tmp_path, folder, text, draw=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix and path.is_file()} == written
    run(tmp_path, folder, text.replace("2\n", "3\n"))
    after = {path.name: (path / "MANIFEST.sha256").stat().st_mtime_ns for path in (folder / "cells").iterdir()}
    assert len(after) == 6
    assert {name: after[name] for name in cells} == cells
    content = json.loads((folder / "plan.json").read_text())
    assert content["generations"][-1] == {"cells": 6, "new": 2, "kept": 4, "orphaned": 0}
    rows = list(csv.DictReader((folder / "results.csv").read_text().splitlines()))
    assert {row["metric"] for row in rows} >= {"test.accuracy", "val.nll"}
    records, kept = stored.read(Folder(folder))
    assert len(records) == 6
    assert kept.keys == ["dropout.rate"]
    json.dumps(tables.as_dict(report.evidence), allow_nan=False)


def test_a_sweep_takes_no_other_sweeps_place(tmp_path: Path) -> None:
    """One that keeps nothing of it is refused, and the tables stay; what is complete counts as kept on the way back."""
    folder, said = Folder(tmp_path / "out"), list[str]()
    low, high, both = (f"grid: {{dropout.rate: [{rates}]}}\nseeds: 1\n" for rates in ("0.1", "0.4", "0.1, 0.4"))
    run(tmp_path, folder.path, low)
    tables_before = (folder.path / "results.csv").read_bytes()
    for asked in (lambda: run(tmp_path, folder.path, high), lambda: conduct.changes(planned(tmp_path, high), folder)):
        with pytest.raises(UsageError, match=r"out: another sweep is kept there, .* Name another folder with --out"):
            asked()
    assert (folder.path / "results.csv").read_bytes() == tables_before
    run(tmp_path, folder.path, both)
    run(tmp_path, folder.path, high)
    run(tmp_path, folder.path, low, notice=said.append)
    assert said == [f"{folder.path}: the sweep has changed: 0 cells are new, 1 kept, 1 not in it any more."]
    assert conduct.changes(planned(tmp_path, low), folder) is None
    run(tmp_path, folder.path, high.replace("0.4", "0.3"), replacing=True)


def test_a_sweep_that_has_trained_nothing_may_be_replaced(tmp_path: Path) -> None:
    """As after a mistake in its first command."""
    folder = tmp_path / "out"
    assert run(tmp_path, folder, "set: {training.optimizer.learning_rate: 1e30}\nseeds: 1\n").failures
    assert run(tmp_path, folder, "set: {dropout.rate: 0.1}\nseeds: 1\n").failures == {}


def test_a_cell_is_found_again_by_a_plain_run(tmp_path: Path) -> None:
    """`dropout train` with its resolved.yaml gives the same predictions and history."""
    run(tmp_path, tmp_path / "out", "grid: {dropout.rate: [0.4]}\nseeds: 1\n")
    (cell,) = (tmp_path / "out" / "cells").iterdir()
    done = dropout("train", str(cell / "resolved.yaml"), "--quiet", "--no-plots", cwd=tmp_path)
    again = tmp_path / done.stdout.strip()
    for name in ("metrics.csv", "predictions.npz", "confusion_matrix.csv"):
        assert (cell / name).read_bytes() == (again / name).read_bytes()


def test_a_cell_that_fails_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    """Divergence: the reason, what it said, a command to run it alone; tried again only when asked."""
    folder = tmp_path / "out"
    text = "grid: {training.optimizer: [{name: sgd, learning_rate: 1e30}, {name: sgd, learning_rate: 0.1}]}\nseeds: 1\n"
    report = run(tmp_path, folder, text)
    ((cell, reason),) = report.failures.items()
    assert "not a finite number" in reason or "training objective" in reason
    noted = json.loads((folder / "failed" / f"{cell}.json").read_text())
    assert noted["reason"] == reason
    assert noted["command"].startswith("dropout train ")
    alone = config.load(folder / "failed" / f"{cell}.yaml").experiment
    assert alone.training.threads == 1
    assert len(list((folder / "cells").glob("*[!l]"))) >= 1
    assert run(tmp_path, folder, text).failures == report.failures
    assert run(tmp_path, folder, text, retry_failed=True).failures == report.failures
    stopped = run(tmp_path, tmp_path / "other", text, on_error="stop", jobs=1)
    assert (len(stopped.failures), stopped.missing) == (1, 1)


def holders(file: Path) -> list[int]:
    """The processes that have the file open; those that end meanwhile are none."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if str(link.readlink()) == str(file):
                found.append(int(link.parts[2]))
    return found


def test_a_killed_cell_takes_no_other_with_it(tmp_path: Path) -> None:
    """SIGKILL to a worker: that cell fails and says so, the others end; a retry goes on from its checkpoint."""
    folder = Folder(tmp_path / "out")
    made = planned(tmp_path, "set: {training.epochs: 400, training.save_every: every_epoch}\nseeds: 2\n")

    def kill() -> None:
        target = folder.partial(made.cells[0].id) / "checkpoints" / "last.safetensors"
        while not target.exists():
            time.sleep(0.01)
        while not (found := holders(folder.partial(made.cells[0].id) / ".lock")):
            time.sleep(0.01)
        os.kill(found[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    asked: dict[str, object] = {"metric": "test.accuracy", "baseline": None, "margin": None, "draw": False}
    settings = {"watch": lambda _: None, "notice": lambda _: None} | asked
    report = conduct.conduct(made, folder, b"", jobs=2, **settings)  # type: ignore[arg-type]
    killer.join()
    assert list(report.failures) == [made.cells[0].id]
    assert "SIGKILL" in report.failures[made.cells[0].id]
    assert report.missing == 0
    again = conduct.conduct(made, folder, b"", jobs=2, retry_failed=True, **settings)  # type: ignore[arg-type]
    assert again.failures == {}


def test_an_interrupted_sweep_has_saved_and_goes_on(tmp_path: Path) -> None:
    """Ctrl-C: exit code 130 and one line; the same command ends with what an undisturbed one ends with."""
    (tmp_path / "base.yaml").write_text(BASE.replace("epochs: 2", "epochs: 600"))
    command = [sys.executable, "-m", "dropout_cli", "sweep", "base.yaml", "dropout.rate=0,0.2", "--seeds", "2"]
    quick = [*command, "--quiet", "--no-plots", "--jobs", "2"]
    with subprocess.Popen(quick, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while not list(tmp_path.glob("runs/sweep-base/cells/*.partial/metrics.csv")):
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate()[1]
    assert process.returncode == 130
    assert said.startswith("runs/sweep-base: interrupted, ")
    assert "The same command goes on." in said
    assert said.count("\n") == 1
    assert not list(tmp_path.glob("runs/sweep-base/failed/*"))
    for out in ("runs/sweep-base", "alone"):
        subprocess.run([*quick, "--out", out], cwd=tmp_path, check=True, capture_output=True)
    results = [(tmp_path / out / "results.csv").read_bytes() for out in ("runs/sweep-base", "alone")]
    assert results[0] == results[1]


@pytest.mark.parametrize("group", [True, False])
def test_a_killed_sweep_ends_in_the_same_bytes(tmp_path: Path, group: bool) -> None:
    """SIGKILL to the whole process group, or to the sweep alone, whose workers then end with their epoch."""
    (tmp_path / "base.yaml").write_text(BASE.replace("epochs: 2", "epochs: 100"))
    command = [sys.executable, "-m", "dropout_cli", "sweep", "base.yaml", "dropout.rate=0,0.2", "--seeds", "3"]
    quick = [*command, "--quiet", "--no-plots", "--jobs", "2"]
    with subprocess.Popen(quick, cwd=tmp_path, start_new_session=True) as process:
        while not list(tmp_path.glob("runs/sweep-base/cells/*.partial/metrics.csv")):
            time.sleep(0.02)
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    for out in ("runs/sweep-base", "alone"):
        subprocess.run([*quick, "--out", out], cwd=tmp_path, check=True, capture_output=True)
    for name in ("results.csv", "summary.csv", "comparisons.csv"):
        assert (tmp_path / "runs" / "sweep-base" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_two_sweeps_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second says so and stops; nothing is lost."""
    (tmp_path / "out").mkdir()
    with locks.held(tmp_path / "out" / ".lock"), pytest.raises(UsageError, match="another process is working"):
        run(tmp_path, tmp_path / "out", "seeds: 1\n")


def test_a_dry_run_says_what_to_expect(tmp_path: Path) -> None:
    """Cells, epochs, time and space; nothing is written."""
    facts = dict(probe.expected(planned(tmp_path, "grid: {dropout.variant: [none, inverted]}\nseeds: 3\n")))
    assert facts["cells"] == 6
    assert facts["epochs"] == 12
    assert str(facts["disk space to expect"]).endswith("MB")
    assert facts["smallest p after Holm's correction"] == "0.25"
    assert facts["what that means"] == "1 comparison of 3 pairs cannot fall below p = 0.25; 6 seeds are needed."
    assert set(path.name for path in tmp_path.iterdir()) == {"base.yaml", "sweep.yaml"}


def test_the_command(tmp_path: Path) -> None:
    """A table with a verdict per group, notes, and last the folder; JSON alone with --json; 5 where cells failed."""
    (tmp_path / "base.yaml").write_text(BASE)
    arguments = ("sweep", "base.yaml", "dropout.variant=none,inverted", "--seeds", "2", "--no-plots")
    done = dropout(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "runs/sweep-base"
    assert "no difference shown" in done.stdout
    assert "4/4 cells" in done.stderr
    shown = json.loads(dropout(*arguments, "--json", "--quiet", cwd=tmp_path).stdout)
    assert shown["comparisons"][0]["baseline"] == {"dropout.variant": "none"}
    failed = dropout(
        "sweep", "base.yaml", "training.optimizer.learning_rate=1e30", "--seeds", "1", "--out", "f", cwd=tmp_path
    )
    assert failed.returncode == 5
    wrong = dropout("sweep", "base.yaml", "dropout.rate=0,2", cwd=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    dry = dropout("sweep", "base.yaml", "dropout.rate=0,0.2", "--dry-run", "--out", "nowhere", cwd=tmp_path)
    assert dry.returncode == 0
    assert not (tmp_path / "nowhere").exists()


def test_workers_leave_no_trace_in_the_environment() -> None:
    """One thread is asked for while a worker starts, and no longer."""
    before = dict(os.environ)
    with workers._one_thread():
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert dict(os.environ) == before


def test_a_sweep_of_regressions_compares_errors(tmp_path: Path) -> None:
    """The default metric is then test.rmse, of which less is better."""
    (tmp_path / "c.yaml").write_text(
        "dataset: {name: diabetes, scaling: standardize}\n"
        "architecture: {name: mlp, hidden: [8]}\ndropout: {variant: inverted, rate: 0.1}\ntraining: {epochs: 5}\n"
    )
    done = dropout("sweep", "c.yaml", "dropout.rate=0,0.9", "--seeds", "3", cwd=tmp_path)
    assert done.returncode == 0 and "test.rmse" in done.stdout and "Warning" not in done.stderr, done.stderr
    assert dropout("verify", "runs/sweep-c", cwd=tmp_path).returncode == 0

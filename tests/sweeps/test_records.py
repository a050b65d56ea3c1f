"""No run is left out, or mixed with others, without a message."""

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dropout_cli.cli.commands import compare
from dropout_cli.core.errors import UsageError
from dropout_cli.statistics import proportion
from dropout_cli.sweeps import collect, figures, options, printed_table, stored_plan, tables, verify
from dropout_cli.sweeps import export_tables as printed
from dropout_cli.sweeps.earlier_tables import earlier_tables
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import compare_runs
from dropout_cli.sweeps.sweep_file import load_sweep
from tests.small_sweep import BASE
from tests.sweeps.test_comparison import record


def stored(folder: Path, name: str, accuracy: float, *, seed: int = 0, split: int = 0, **facts: Any) -> str:
    """Write a run folder with only what `compare` reads."""
    run = folder / name
    run.mkdir()
    lengthened = facts.pop("lengthened", [])
    part = {"accuracy": accuracy, "per_class": [{"support": 100}]}
    blocks: dict[str, dict[str, Any]] = {
        "dataset": {"name": "digits", "split_seed": split},
        "dropout": {"variant": "none"},
        "training": {},
    }
    config: dict[str, Any] = {key: block | facts.get(key, {}) for key, block in blocks.items()}
    summary = {
        "format": 1,
        "config": config | {"seed": seed},
        "lengthened": lengthened,
        "train": part,
        "val": part,
        "test": part,
    }
    (run / "summary.json").write_text(json.dumps(summary))
    (run / "state.json").write_text('{"format": 1, "status": "completed", "sessions": []}')
    (run / "MANIFEST.sha256").write_text("")
    return str(run)


def shown(paths: list[str], folder: Path, *by: str) -> list[dict[str, str]]:
    """Return the table of `compare --format csv`, and its notes as a last row."""
    records, keys, _ = collect.collect_runs(paths, folder, by)
    evidence = compare_runs(records, keys, ComparisonSettings())
    rows = list(csv.DictReader(io.StringIO(printed.as_csv(*printed_table.comparison_table(evidence)))))
    return [*rows, {"notes": "\n".join(comparison_notes(evidence))}]


@pytest.mark.parametrize(
    ("block", "key"),
    [
        ({"training": {"early_stopping": {"patience": 1, "min_delta": 0.0}}}, "training.early_stopping.patience"),
        ({"training": {"average": {"decay": 0.9}}}, "training.average.decay"),
        ({"dataset": {"augment": {"shift": 2, "flip": True}}}, "dataset.augment.shift"),
    ],
)
def test_a_block_that_is_null_in_some_runs_tells_them_apart(tmp_path: Path, block: dict[str, Any], key: str) -> None:
    """Two settings at two seeds are two groups of two runs, in any order of paths."""
    nothing = {part: dict.fromkeys(values) for part, values in block.items()}
    paths = [
        stored(tmp_path, f"{seed}{what}", 0.9 + seed / 100, seed=seed, **facts)
        for seed in (0, 1)
        for what, facts in (("off", nothing), ("on", block))
    ]
    for order in (paths, paths[::-1]):
        *rows, said = shown(order, tmp_path)
        assert [row["n"] for row in rows] == ["2", "2"]
        assert {row[key] for row in rows} == {
            "",
            str(next(iter(next(iter(next(iter(block.values())).values())).values()))),
        }
        assert "averaged" not in said["notes"]


def test_runs_that_share_setting_seed_and_split_are_averaged(tmp_path: Path) -> None:
    """n counts runs; means and intervals use averages per seed, and the notes say so."""
    paths = [
        stored(
            tmp_path,
            f"{variant}{rate}{seed}",
            0.9 + rate / 10 + seed / 100,
            seed=seed,
            dropout={"variant": variant, "rate": rate},
        )
        for variant, rates in (("none", (0.0, 0.1)), ("inverted", (0.2, 0.4, 0.6)))
        for rate in rates
        for seed in (1, 2)
    ]
    none, inverted, said = shown(paths, tmp_path, "dropout.variant")
    assert (none["n"], none["averages"], inverted["n"], inverted["averages"]) == ("4", "2", "6", "2")
    assert (none["test.accuracy"], inverted["test.accuracy"]) == ("0.9200", "0.9550")
    assert "although they differ in dropout.rate" in said["notes"]
    evidence = compare_runs(*collect.collect_runs(paths, tmp_path, ["dropout.variant"])[:2], ComparisonSettings())
    groups = tables.comparison_dict(evidence)["groups"]
    assert tables.comparison_dict(evidence)["pooled_over"] == ["dropout.rate"]
    assert [group["metrics"]["test.accuracy"]["n"] for group in groups] == [4, 6]
    expected = proportion.interval_same_examples([0.915, 0.925], 100)
    assert groups[0]["metrics"]["test.accuracy"]["interval"] == pytest.approx([*expected])
    assert evidence.comparisons[0].n == 2


def test_runs_that_differ_at_different_seeds_are_said(tmp_path: Path) -> None:
    """Runs with different seeds are not averaged, but the mixture is still named."""
    paths = [
        stored(tmp_path, f"{seed}", 0.9 + seed / 100, seed=seed, training={"epochs": 3 + seed}, lengthened=marks)
        for seed, marks in ((0, []), (1, [{"after_epoch": 3, "schedule_changed": True, "patience_anew": False}]))
    ]
    row, said = shown(paths, tmp_path, "dropout.variant")
    assert row["n"] == "2" and "averages" not in row
    assert "also differ in training.epochs, lengthened" in said["notes"]


def test_a_run_counts_once_and_a_repeated_one_is_said(tmp_path: Path) -> None:
    """Two paths of one run count once; the same config trained twice is averaged."""
    one = stored(tmp_path, "one", 0.9)
    assert len(collect.collect_runs([one, f"{tmp_path}/./one", "one"], tmp_path)[0]) == 1
    row, said = shown([one, stored(tmp_path, "two", 0.9)], tmp_path)
    assert (row["n"], row["averages"]) == ("2", "1")
    assert "they repeat the same config" in said["notes"]


def test_lengthened_runs_are_a_group_of_their_own(tmp_path: Path) -> None:
    """Runs whose schedule was changed by lengthening form their own group."""
    mark = {"after_epoch": 5, "epochs": 9, "schedule_changed": True, "patience_anew": False}
    plain = mark | {"schedule_changed": False}
    paths = [
        stored(tmp_path, f"{seed}{name}", 0.9, seed=seed, lengthened=marks)
        for seed in (0, 1)
        for name, marks in (("straight", []), ("longer", [mark]))
    ]
    *rows, _ = shown([*paths, stored(tmp_path, "same", 0.9, seed=2, lengthened=[plain])], tmp_path)
    assert {row["lengthened"]: row["n"] for row in rows} == {"": "3", "after epoch 5": "2"}


def test_groups_by_a_block_that_is_null_or_not(tmp_path: Path) -> None:
    """`--by` accepts a block or a key, and refuses a key that no run has."""
    paths = [
        stored(tmp_path, str(number), 0.9, training={"early_stopping": block})
        for number, block in enumerate((None, {"patience": 1}))
    ]
    *rows, _ = shown(paths, tmp_path, "training.early_stopping")
    assert [row["n"] for row in rows] == ["1", "1"]
    with pytest.raises(UsageError, match="no run has"):
        collect.collect_runs(paths, tmp_path, ["training.early_stoping"])


def sized(one: RunRecord, test: int) -> RunRecord:
    """Return the record with a number of test examples for 100 training examples."""
    return RunRecord(
        one.path,
        one.values,
        one.replicate,
        dict(one.summary) | {"test": {**one.summary["test"], "per_class": [{"support": test}]}},
    )


def two_sizes() -> Iterator[RunRecord]:
    """Return groups with test parts of different sizes on four splits, and one on one split."""
    for rate, size in ((0.0, 50), (0.5, 10)):
        for seed in range(4):
            yield sized(record(seed, 0.9 + 0.01 * seed - rate * 0.001 * seed, split=seed, dropout_rate=rate), size)
    for seed in range(4):
        yield sized(record(seed, 0.9 + 0.01 * seed, split=0, dropout_rate=0.7), 50)


def test_every_comparison_has_the_ratio_of_its_own_splits() -> None:
    """The larger ratio of test to training examples counts; one pair gives no verdict."""
    evidence = compare_runs(list(two_sizes()), ["dropout.rate"], ComparisonSettings())
    one, single = evidence.comparisons
    assert one.ratio == 0.5
    differences = [-0.5 * 0.001 * seed for seed in range(4)]
    half = stats.t.ppf(0.975, 3) * max(np.std(differences, ddof=1), 0.05) * np.sqrt(1 / 4 + 0.5)
    assert one.new_data.high == pytest.approx(np.mean(differences) + half)
    assert single.refused == "with one run per setting there is no spread"
    assert "No verdict for rate 0.7: with one run per setting there is no spread." in "".join(
        comparison_notes(evidence)
    )


def test_figures_have_the_intervals_of_the_table() -> None:
    """The intervals of means and differences are equal in figures and tables."""
    evidence = compare_runs(list(two_sizes()), ["dropout.rate"], ComparisonSettings())
    for group in evidence.groups:
        drawn = figures._mean(evidence, group, "test.accuracy")
        assert drawn is not None
        assert drawn[1:] == evidence.mean(group, "test.accuracy").interval
    one, single = evidence.comparisons
    assert figures._difference(one)[1:] == one.interval
    assert math.isnan(figures._difference(single).low)


def test_a_group_without_a_comparison_is_named() -> None:
    """Groups without a baseline are named; a single baseline serves groups without its keys."""
    rates = [("none", None), ("gaussian", 0.1), ("inverted", 0.1), ("gaussian", 0.5), ("inverted", 0.5)]
    records = [
        record(seed, 0.9 + 0.001 * seed, dropout_variant=variant, dropout_rate=rate)
        for variant, rate in rates
        for seed in range(2)
    ]
    keys, wanted = ["dropout.variant", "dropout.rate"], {"dropout.variant": "gaussian"}
    several = compare_runs(records, keys, ComparisonSettings(baseline=wanted))
    assert "Not compared: no dropout. No baseline with dropout.variant=gaussian" in "".join(comparison_notes(several))
    assert [row[-2] for row in printed_table.comparison_table(several)[1]].count("not compared") == 1
    single = compare_runs(records[:6], keys, ComparisonSettings(baseline=wanted))
    assert {one.group for one in single.comparisons} == {0, 2}
    assert single.uncompared == []
    apart = [record(9, 0.9, dropout_variant="inverted", dropout_rate=0.1), *records[:2]]
    assert "same seed and split" in "".join(comparison_notes(compare_runs(apart, keys, ComparisonSettings())))


def test_runs_without_the_metric_are_not_said_to_have_other_seeds() -> None:
    """Classifications have no RMSE: the notes say so, and no figure is drawn."""
    records = [record(seed, 0.9, dropout_rate=rate) for rate in (0.0, 0.1) for seed in range(2)]
    found = compare_runs(records, ["dropout.rate"], ComparisonSettings("test.rmse"))
    told = "".join(comparison_notes(found))
    assert "Not compared: rate 0.1. Their runs, or the baseline's, have no test.rmse." in told
    assert "same seed and split" not in told
    assert [name for name, _ in figures.draw_sweep_figures(found, lambda _: {"val_loss": [], "train_loss": []})] == []


def test_a_key_is_given_once(tmp_path: Path) -> None:
    """Different values of one key are an error; the same value twice is not."""
    (tmp_path / "base.yaml").write_text(BASE)
    with pytest.raises(UsageError, match=r"dropout\.rate: is given twice, with different values\. Write all"):
        load_sweep(tmp_path / "base.yaml", ["dropout.rate=0", "dropout.rate=0.1"])
    assert len(load_sweep(tmp_path / "base.yaml", ["dropout.rate=0", "dropout.rate=0"]).points) == 1
    with pytest.raises(UsageError, match=r"dropout\.rate: is given twice"):
        options.parse_pairs(["dropout.rate=0", "dropout.rate=0.1"], "--baseline")


def test_a_group_whose_values_are_null_has_a_name() -> None:
    """A group with null values is not called `all`."""
    found = compare_runs([record(0, 0.9, x_patience=one) for one in (None, 1)], ["x.patience"], ComparisonSettings())
    assert [group.label for group in found.groups] == ["patience null", "patience 1"]


def test_tables_by_the_rules_of_their_day_are_right(tmp_path: Path) -> None:
    """Old sweeps are verified by their own formulas, and a wrong number is reported."""
    from tests.sweeps.test_run import run

    run(tmp_path, tmp_path / "out", "grid: {dropout.rate: [0, 0.4]}\nseeds: 3\n")
    folder = SweepFolder(tmp_path / "out")
    records, plan = stored_plan.read_runs(folder)
    asked: dict[str, Any] = {"metric": "test.accuracy", "baseline": None, "margin": None}
    for number in (1, 2):
        made = earlier_tables(records, plan.keys, **asked, rules=number)
        for name, data in made.items():
            folder.write(name, data)
        text = (folder.path / "plan.json").read_text()
        folder.write("plan.json", re.sub(r'"format": \d', f'"format": {number}', text).encode())
        assert all(check.right for check in verify.verify_sweep(folder))
    folder.write("comparisons.csv", made["comparisons.csv"].replace(b"0.", b"1.", 1))
    assert not all(check.right for check in verify.verify_sweep(folder))


def test_marks_that_are_none_are_a_damaged_summary(tmp_path: Path) -> None:
    """Invalid marks are a one-line error that names the file, without a traceback."""
    path = stored(tmp_path, "one", 0.9, lengthened=[{"epochs": 3}])
    with pytest.raises(UsageError, match=r"summary\.json: is damaged"):
        collect.collect_runs([path], tmp_path)


@pytest.mark.parametrize("form", ["table", "csv", "md", "latex"])
def test_keys_of_a_stranger_do_not_reach_the_terminal(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control characters in keys and values are escaped in tables and notes."""
    paths = [stored(tmp_path, str(n), 0.9, training={"rate\x1b]0;OWNED\x07": f"{n}\x1b[31m"}) for n in (0, 1)]
    compare.compare_command(what=paths, form=compare.Format(form), runs_dir=tmp_path)
    printed = capsys.readouterr()
    # LaTeX spells the backslash itself.
    assert printed.out.replace(r"\textbackslash{}", "\\").count("\\x1b") >= 2
    assert "\x1b" not in printed.out + printed.err

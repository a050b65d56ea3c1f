"""Seeds, splits and folds of the runs of a sweep."""

from pathlib import Path

import pytest

from dropout_cli.core.errors import ConfigError
from dropout_cli.sweeps import plan, power
from dropout_cli.sweeps.options import SweepOptions
from dropout_cli.sweeps.plan import SweepPlan
from dropout_cli.sweeps.replicates import Replicate, lay_out
from dropout_cli.sweeps.sweep_file import load_sweep
from tests.small_sweep import BASE, planned

RATES = "grid: {dropout.rate: [0.1, 0.4]}\n"


def replicates(made: SweepPlan, group: int = 0) -> list[tuple[int, int]]:
    """Return seed and split of the runs of a group."""
    return [(cell.replicate.seed, cell.replicate.split_seed) for cell in made.cells if cell.group == group]


def ids(made: SweepPlan) -> set[str]:
    """Return the names of all runs."""
    return {cell.id for cell in made.cells}


def test_every_seed_has_a_split_of_its_own(tmp_path: Path) -> None:
    """Seed s has split seed + s in every group, and more seeds keep the runs."""
    made = planned(tmp_path, f"{RATES}seeds: 3\n")
    assert made.splits == "each" and replicates(made) == replicates(made, 1) == [(0, 0), (1, 1), (2, 2)]
    assert replicates(planned(tmp_path, f"{RATES}seeds: [4, 2]\n")) == [(4, 4), (2, 2)]
    assert ids(made) < ids(planned(tmp_path, f"{RATES}seeds: 5\n"))
    (tmp_path / "later.yaml").write_text("extends: base.yaml\ndataset: {split_seed: 7}\nseed: 3\n")
    later = plan.make_plan(load_sweep(tmp_path / "later.yaml", ["dropout.rate=0,0.3"], options=SweepOptions(seeds="2")))
    assert replicates(later) == [(0, 7), (1, 8)]


def test_all_runs_may_share_one_split(tmp_path: Path) -> None:
    """`splits: same` gives the runs of sweeps from before there were layouts."""
    made = planned(tmp_path, f"{RATES}seeds: 3\nsplits: same\n")
    assert made.splits == "same" and replicates(made) == [(0, 0), (1, 0), (2, 0)]
    assert made.cells[0].id == "01a27041f369"
    assert planned(tmp_path, f"{RATES}seeds: 3\n", splits="same").cells == made.cells


@pytest.mark.parametrize("first", [0, 6])
def test_seeds_are_nested_in_splits(first: int) -> None:
    """No seed is on two splits, and every split has the same number of seeds."""
    found = lay_out(3, range(2), split_seed=5, first=first)
    numbered = [(0, 0), (1000, 0), (1, 1), (1001, 1), (2, 2), (1002, 2)]
    assert found == [Replicate(first + seed, 5 + first + split) for seed, split in numbered]
    assert lay_out(4, (0,), split_seed=5, first=first) == lay_out("each", range(4), split_seed=5, first=first)
    most = lay_out(1000, range(3), first=first)
    assert len({one.seed for one in most}) == len(most) == 3000


def test_more_splits_or_seeds_keep_nested_cells(tmp_path: Path) -> None:
    """More splits or seeds add runs and change none; the default is one seed per split."""
    few = planned(tmp_path, f"{RATES}splits: 2\n")
    assert few.splits == 2 and ids(few) == ids(planned(tmp_path, f"{RATES}seeds: 2\n"))
    more = planned(tmp_path, f"{RATES}splits: 2\nseeds: 2\n")
    assert replicates(more) == [(0, 0), (1000, 0), (1, 1), (1001, 1)]
    assert ids(few) < ids(more) < ids(planned(tmp_path, RATES, splits="3", seeds="2"))


OWN = [
    ("set: {seed: 4}\n", [(4, 0)]),
    ("set: {dataset.split_seed: 4}\nseeds: 2\n", [(0, 4), (1, 4)]),
    ("grid: {dataset.split_seed: [4, 6]}\nseeds: 2\n", [(0, 4), (1, 4), (0, 6), (1, 6)]),
    ("grid: {dataset: [{name: digits, split_seed: 4}]}\nseeds: 2\n", [(0, 4), (1, 4)]),
    ("zip: {seed: [1, 2], dataset.split_seed: [5, 6]}\n", [(1, 5), (2, 6)]),
    ("random: {count: 2, draw: {seed: {choice: [3]}}}\n", [(3, 0)]),
]


@pytest.mark.parametrize(("text", "expected"), OWN)
def test_a_sweep_that_gives_seeds_or_splits_decides_its_layout(
    text: str, expected: list[tuple[int, int]], tmp_path: Path
) -> None:
    """A sweep over seeds or splits gets no others, and a different layout is refused."""
    made = planned(tmp_path, text)
    assert made.splits == "same" and replicates(made) == expected
    assert planned(tmp_path, text, splits="same").cells == made.cells
    for splits in ("each", "3"):
        with pytest.raises(ConfigError, match=rf"splits: {splits} cannot be combined with values for \S+, which"):
            planned(tmp_path, text, splits=splits)


def test_the_command_line_decides_a_layout_too(tmp_path: Path) -> None:
    """`dataset.split_seed=1` is the split of all runs."""
    (tmp_path / "base.yaml").write_text(BASE)
    made = plan.make_plan(
        load_sweep(tmp_path / "base.yaml", ["dropout.rate=0,0.1", "dataset.split_seed=1"], SweepOptions(seeds="2"))
    )
    assert replicates(made) == [(0, 1), (1, 1)]


@pytest.mark.parametrize(
    ("text", "option", "said"),
    [
        (
            "splits: 2\nseeds: [0, 1]\n",
            None,
            "seeds: must be a number of seeds per split if there are 2 splits, not a list.",
        ),
        ("seeds: [0, 1]\n", "2", "seeds: must be a number of seeds per split"),
        ("splits: 0\n", None, "sweep.yaml:2:9: splits: must be"),
        ("splits: 1001\n", None, "sweep.yaml:2:9: splits: must be"),
        ("splits: every\n", None, "sweep.yaml:2:9: splits: must be"),
        ("", "0", "--splits: must be each, same, or a number from 1 to 1,000; got '0'. Write each, same, or 5."),
        ("", "1001", "--splits: must be each, same, or a number from 1 to 1,000; got '1001'"),
        ("", "-1", "--splits: must be each, same, or a number from 1 to 1,000; got '-1'"),
        ("splits: 1000\nseeds: 101\n", None, "101,000 runs are too many; the maximum is 100,000"),
        (
            "set: {dataset.folds: 5}\nsplits: 201\nseeds: 100\n",
            None,
            "100,500 runs are too many; the maximum is 100,000",
        ),
    ],
)
def test_layouts_that_cannot_be_are_refused(text: str, option: str | None, said: str, tmp_path: Path) -> None:
    """The error has place, fact and way out."""
    with pytest.raises(ConfigError) as caught:
        planned(tmp_path, text, splits=option)
    assert said in str(caught.value)


@pytest.mark.parametrize("splits", [None, "each", "same", "3"])
def test_a_sweep_as_it_is_kept_says_its_layout_where_it_is_not_the_usual_one(
    splits: str | None, tmp_path: Path
) -> None:
    """The stored file gives the same runs, with or without `splits:`."""
    (tmp_path / "base.yaml").write_text(BASE)
    asked = load_sweep(tmp_path / "base.yaml", ["dropout.rate=0,0.3"], options=SweepOptions(splits=splits))
    text = asked.with_splits(plan.make_plan(asked).splits).text
    assert (b"splits:" in text) == (splits not in (None, "each"))
    (tmp_path / "again.yaml").write_bytes(text)
    again = load_sweep(tmp_path / "again.yaml")
    assert plan.make_plan(again).cells == plan.make_plan(asked).cells
    assert again.text == text


def table(tmp_path: Path, text: str = "", *, keys: str = "", split: str = "", **options: str | None) -> SweepPlan:
    """Return the plan of a sweep over a small table whose column `split` assigns parts."""
    words = split.split() or ["-"]
    rows = "".join(f"{n},{n * n % 7},{words[n % len(words)]},{'xy'[n % 2]}\n" for n in range(60))
    for name in ("table.csv", "test.csv"):
        (tmp_path / name).write_text(f"a,b,part,label\n{rows}")
    dropped = "split: part" if split else "drop: [part]"
    (tmp_path / "base.yaml").write_text(
        f"dataset: {{name: table, path: table.csv, {dropped}, {keys}}}\ntraining: {{epochs: 1}}\n"
    )
    (tmp_path / "sweep.yaml").write_text(f"base: base.yaml\n{text}seeds: 2\n")
    return plan.make_plan(load_sweep(tmp_path / "sweep.yaml", options=SweepOptions(**options)))  # type: ignore[arg-type]


def test_given_parts_leave_one_split(tmp_path: Path) -> None:
    """With predefined parts nothing varies, with a message; several splits are refused."""
    for splits in (None, "each"):
        made = table(tmp_path, split="train train val test", splits=splits)
        assert made.splits == "same" and replicates(made) == [(0, 0), (1, 0)]
        assert made.reasons == ("dataset: table: the data define all parts, so all runs share one split.",)
    assert table(tmp_path, split="train train val test", splits="same").reasons == ()
    with pytest.raises(ConfigError, match="splits: 3 is not possible, because the data define all parts"):
        table(tmp_path, split="train train val test", splits="3")


@pytest.mark.parametrize(
    ("keys", "split"), [("test_path: test.csv", ""), ("test_rows: [0, 1]", ""), ("", "train test")]
)
def test_a_given_test_part_stays_and_the_others_vary(keys: str, split: str, tmp_path: Path) -> None:
    """Only training and validation parts vary, and a message names the fixed test part."""
    made = table(tmp_path, keys=keys, split=split)
    assert made.splits == "each" and replicates(made) == [(0, 0), (1, 1)]
    (said,) = made.reasons
    assert said == "dataset: table: the test part is fixed; the training and validation parts vary."
    blind = table(tmp_path, keys=f"{keys}, val_fraction: 0".strip(", "), split=split)
    assert blind.splits == "same" and replicates(blind) == [(0, 0), (1, 0)]


def test_data_that_vary_decide_for_the_others(tmp_path: Path) -> None:
    """Datasets with and without varying splits have the same replicates, with a message."""
    made = table(
        tmp_path, "grid: {dataset: [iris, {name: table, path: table.csv, split: part}]}\n", split="train val test"
    )
    assert replicates(made) == replicates(made, 1) == [(0, 0), (1, 1)]
    assert made.reasons == ("dataset: table: all parts are fixed; only the seeds vary.",)


def test_what_a_split_decides_does_not_tell_groups_apart(tmp_path: Path) -> None:
    """A setting is one group, although its `balanced` weights differ by split."""
    text, keys = "set: {objective.class_weights: balanced}\n", "test_fraction: 0.15, val_fraction: 0.13"
    made = table(tmp_path, text, keys=keys, seeds="6")
    assert len({cell.experiment.objective for cell in made.cells}) == 2
    assert len(made.groups) == 1 and made.keys == ()


def test_every_replicate_is_trained_on_all_folds(tmp_path: Path) -> None:
    """K folds are K runs of one replicate, which counts as one pair."""
    made = planned(tmp_path, f"{RATES}set: {{dataset.folds: 3}}\nseeds: 2\n")
    expected = [Replicate(seed, seed, fold) for seed in range(2) for fold in range(3)]
    assert [cell.replicate for cell in made.cells if cell.group == 1] == expected
    assert len(made.groups) == 2 and len(ids(made)) == 12
    assert dict(power.power_of_plan(made, None)) == {
        "what it can show": "no verdict: 2 splits are too few (at least 3 are needed)"
    }
    nested = planned(tmp_path, f"{RATES}set: {{dataset.folds: 2}}\nsplits: 2\nseeds: 2\n")
    assert {cell.replicate for cell in nested.cells} >= {Replicate(1000, 0, 1), Replicate(1001, 1, 0)}


@pytest.mark.parametrize(
    "text",
    [
        "set: {dataset.folds: 3, dataset.fold: 1}\n",
        "grid: {dataset: [{name: digits, folds: 3, fold: 1}]}\n",
        "set: {dataset.folds: 3}\ngrid: {dataset.fold: [1]}\n",
    ],
)
def test_a_fold_that_is_set_is_the_only_one(text: str, tmp_path: Path) -> None:
    """A fold that is set or swept is the only one that is trained."""
    assert {cell.replicate for cell in planned(tmp_path, f"{text}seeds: 2\n").cells} == {(0, 0, 1), (1, 1, 1)}
    assert planned(tmp_path, f"{text}seeds: 2\n").keys == ()

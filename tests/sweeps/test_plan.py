"""A sweep file becomes a list of named runs."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli.core.errors import ConfigError
from dropout_cli.sweeps import plan
from dropout_cli.sweeps.options import SweepOptions
from dropout_cli.sweeps.sweep_file import load_sweep
from tests.small_sweep import BASE, planned


def test_a_grid_is_every_combination(tmp_path: Path) -> None:
    """Three rates of two networks with two seeds are twelve runs with different names."""
    made = planned(
        tmp_path,
        "grid: {dropout.rate: {from: 0.1, to: 0.3, step: 0.1}, architecture.hidden: [[8], [4, 4]]}\nseeds: 2\n",
    )
    assert made.keys == ("dropout.rate", "architecture.hidden")
    assert [group.values["dropout.rate"] for group in made.groups] == [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]
    assert len({cell.id for cell in made.cells}) == len(made.cells) == 12
    assert {cell.replicate[:2] for cell in made.cells} == {(0, 0), (1, 1)}
    assert {cell.experiment.training.threads for cell in made.cells} == {1}


def test_a_key_that_a_choice_lacks_is_left_out_and_equal_cells_are_one(tmp_path: Path) -> None:
    """The variant `none` at three rates is one group without a rate."""
    made = planned(tmp_path, "grid: {dropout.variant: [none, inverted], dropout.rate: [0.1, 0.2, 0.3]}\nseeds: [7]\n")
    assert [tuple(group.values.values()) for group in made.groups] == [
        ("none", None),
        *(("inverted", rate) for rate in (0.1, 0.2, 0.3)),
    ]
    assert (made.skipped, made.merged) == (3, 2)


def test_a_mapping_replaces_a_block_and_a_tag_keeps_its_keys(tmp_path: Path) -> None:
    """`dropout: [...]` replaces the block; `dropout.variant: [...]` keeps its valid keys."""
    made = planned(
        tmp_path, "grid: {dropout: [none, {variant: concrete}, {variant: inverted, rate: 0.5}]}\nseeds: [0]\n"
    )
    assert made.keys == ("dropout.variant", "dropout.rate")
    last = made.groups[2].config["dropout"]
    assert (last["rate"], last["input_rate"]) == (0.5, 0.0)
    kept = planned(tmp_path, "grid: {dropout.variant: [inverted, gaussian]}\nseeds: [0]\n")
    assert [group.config["dropout"]["rate"] for group in kept.groups] == [0.2, 0.2]


def test_zip_and_random_and_set(tmp_path: Path) -> None:
    """Keys change together, are drawn at random, or are the same for all runs."""
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
    """`zip` over seed and split seed gives one group with a pair for each value."""
    made = planned(tmp_path, "zip: {seed: [0, 1, 2], dataset.split_seed: [5, 6, 7]}\n")
    assert made.keys == ()
    assert [cell.replicate[:2] for cell in made.cells] == [(0, 5), (1, 6), (2, 7)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("grid: {dropout.rate: [0.1, 1.5]}", "sweep.yaml:2:28: dropout.rate: must be below 1"),
        ("grid: {dropout.rte: [0.1]}", "sweep.yaml:2:22: dropout.rte: unknown key. Did you mean 'rate'"),
        ("grid: {dropout.rate: []}", "grid.dropout.rate: the list is empty"),
        ("grid: {dropout.rate: 0.3}", "grid.dropout.rate: must be a list of values or {from, to, step}"),
        ("grid: {dropout.rate: {from: 0, to: 1, step: -1}}", "a step of -1 never gets from 0 to 1"),
        ("grid: {dropout.rate: {from: 0, to: 1, step: 1e-9}}", "the maximum is 10,000"),
        ("grid: {dropout.rate: {from: .nan, to: 1, step: .inf}}", "from, to and step must be numbers"),
        ("random: {count: 2, draw: {dropout.rate: {uniform: [0, .inf]}}}", "uniform: must be [LOW, HIGH]"),
        ("random: {count: 1e30, draw: {dropout.rate: {uniform: [0, 1]}}}", "random.count: must be"),
        (f"random: {{count: {10**30}, draw: {{dropout.rate: {{uniform: [0, 1]}}}}}}", "random.count: must be at most"),
        (f"seeds: {10**30}", "seeds: must be at most"),
        (
            f"grid: {{{', '.join(f'a{n}: {{from: 0, to: 99, step: 1}}' for n in range(9))}}}",
            "1,000,000,000,000,000,000 combinations are too many; the maximum is 100,000",
        ),
        ("zip: {seed: [0, 1], dropout.rate: [0.1]}", "need the same number of values (seed has 2, dropout.rate has 1)"),
        ("random: {count: 2, draw: {dropout.rate: {normal: [0, 1]}}}", "must be a distribution with its parameters"),
        (
            "random: {count: 2, draw: {dropout.rate: {uniform: [1, 0]}}}",
            "uniform: the first number must be below the second, got [1, 0]",
        ),
        ("grid: {dropout.rate: [0.1]}\nzip: {dropout.rate: [0.2]}", "dropout.rate: is swept twice"),
        ("seeds: [1, 1]", "seeds: must be a count or a list of different numbers"),
        ("seed: 3", "unknown key. Did you mean 'seeds'?"),
        ("metric: test.acuracy", "metric: unknown metric 'test.acuracy'"),
        ("grid: {seed: {from: 0, to: 9999, step: 1}, dataset.split_seed: {from: 0, to: 99, step: 1}}", "are too many"),
    ],
)
def test_mistakes_have_places(tmp_path: Path, text: str, said: str) -> None:
    """Mistakes have a place, a fact and a way out, and nothing is created."""
    with pytest.raises(ConfigError) as caught:
        planned(tmp_path, f"{text}\n")
    assert said in str(caught.value)


def test_a_cell_is_named_by_what_differs_from_the_defaults(tmp_path: Path) -> None:
    """Threads, yardstick and written defaults do not change the name; a rate does."""
    one = planned(tmp_path, "grid: {dropout.rate: [0.1]}\nseeds: [0]\n").cells[0].id
    assert one == planned(tmp_path, "set: {training.threads: 2, dropout.rate: 0.1}\nseeds: [0]\n").cells[0].id
    assert one == planned(tmp_path, "set: {yardstick: none, dropout.rate: 0.1}\nseeds: [0]\n").cells[0].id
    assert one == planned(tmp_path, "set: {dropout.rate: 0.1, training.l2: 0.0}\nseeds: [0]\n").cells[0].id
    assert one == planned(tmp_path, "set: {dropout.rate: 0.1, training.batch_size: 64}\nseeds: [0]\n").cells[0].id
    assert one != planned(tmp_path, "set: {dropout.rate: 0.1, training.batch_size: 32}\nseeds: [0]\n").cells[0].id
    assert one != planned(tmp_path, "set: {dropout.rate: 0.1}\nseeds: [1]\n").cells[0].id


def test_a_cell_is_named_by_an_array_and_not_by_a_file(tmp_path: Path) -> None:
    """The place of a file does not change the name of a run, but the name of an array does."""
    x, y = np.arange(80.0).reshape(40, 2), np.arange(40) % 2
    np.savez(tmp_path / "a.npz", x=x, y=y, v=y + 1, w=y + 1)
    for file in ("v.npy", "w.npy"):
        np.save(tmp_path / file, y + 1)
    names = {}
    for weights in ("v", "w", "v.npy", "w.npy"):
        (tmp_path / "c.yaml").write_text(f"dataset: {{name: arrays, path: a.npz, weights: {weights}}}\n")
        (tmp_path / "s.yaml").write_text("base: c.yaml\nseeds: [0]\n")
        names[weights] = plan.make_plan(load_sweep(tmp_path / "s.yaml", (), SweepOptions())).cells[0].id
    assert names["v"] != names["w"] and names["v.npy"] == names["w.npy"]


def test_the_command_line_sweeps_without_a_file(tmp_path: Path) -> None:
    """`KEY=V1,V2` sweeps a config, and replaces the values of a sweep file."""
    (tmp_path / "base.yaml").write_text(BASE)
    asked = load_sweep(
        tmp_path / "base.yaml",
        ["dropout.rate=0,[0.5]", "architecture.hidden=[8],[6]"],
        options=SweepOptions(seeds="3,5"),
    )
    assert [one.value for point in asked.points for one in point if one.key == "dropout.rate"] == [0, 0, [0.5], [0.5]]
    assert asked.seeds == (3, 5)
    ranged = load_sweep(tmp_path / "base.yaml", ["dropout.rate={from: 0, to: 0.2, step: 0.1}"])
    assert [point[0].value for point in ranged.points] == [0, 0.1, 0.2]
    over = planned(tmp_path, "grid: {dropout.rate: [0.1, 0.2, 0.3]}\n", "dropout.rate=0.4", seeds="1")
    assert len(over.cells) == 1
    (tmp_path / "again.yaml").write_bytes(asked.text)
    assert plan.make_plan(load_sweep(tmp_path / "again.yaml")).cells == plan.make_plan(asked).cells

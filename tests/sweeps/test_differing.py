"""The keys that distinguish the settings of runs."""

from typing import Any

from dropout_cli.sweeps.records import differing_keys


def test_a_key_below_a_null_block_is_told_by_its_own_values_where_they_differ() -> None:
    """A key with the values null, 1 and 2 represents its block with a single column."""
    off: dict[str, Any] = {"v": "none", "x": None}
    on = [{"v": "none", "x.patience": n, "x.delta": 0.0} for n in (1, 2)]
    assert differing_keys([off, *on]) == ["x.patience"]
    assert differing_keys([off, on[0]]) == ["x.patience"]
    assert differing_keys([off, {"v": "other", "v.rate": 1, "x": None}]) == ["v"]


def test_class_weights_that_follow_the_split_tell_no_groups_apart() -> None:
    """Class weights that differ only between splits do not distinguish groups."""

    def run(split: int, weights: Any) -> dict[str, Any]:
        return {"dataset.split_seed": split, "objective.class_weights": weights}

    computed = [run(0, [0.5, 1.5]), run(1, [0.6, 1.4]), run(1, [0.6, 1.4])]
    assert differing_keys(computed) == []
    for other in (run(1, [1.0, 1.0]), run(2, None)):
        assert differing_keys([*computed, other]) == ["objective.class_weights"]

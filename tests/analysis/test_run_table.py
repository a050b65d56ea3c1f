"""Conditions on runs."""

import pytest

from dropout_cli.analysis import run_table
from dropout_cli.core.errors import UsageError


def run(name: str, stopping: object, **dropout: object) -> dict[str, object]:
    """The facts of a run."""
    config = {"training": {"early_stopping": stopping}, "dropout": {"variant": name} | dropout}
    return {"name": name, "config": config, "val": None}


RUNS = [run("none", None), run("inverted", {"patience": 3}, rate=0.5), run("gaussian", None, rate=0.5)]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("config.training.early_stopping == null", ["gaussian", "none"]),
        ("config.training.early_stopping != null", ["inverted"]),
        ("config.training.early_stopping.patience = null", ["gaussian", "none"]),
        ("config.dropout.rate == null", ["none"]),
        ("val == null", ["gaussian", "inverted", "none"]),
        ("name == 'null'", []),
    ],
)
def test_null_finds_what_has_no_value(condition: str, names: list[str]) -> None:
    """A key that is null, is missing, or has null for a block above it."""
    assert [one["name"] for one in run_table.select_runs(RUNS, [condition], "name")] == names


def test_null_has_no_order_and_makes_no_key() -> None:
    """`> null` and a key that no run could have are refused."""
    with pytest.raises(UsageError, match="null can only be tested"):
        run_table.select_runs(RUNS, ["config.dropout.rate > null"], "name")
    with pytest.raises(UsageError, match=r"no run has .config\.dropout\.rte."):
        run_table.select_runs(RUNS, ["config.dropout.rte == null"], "name")

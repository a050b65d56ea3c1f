"""The shares of the variance in words, tables and figures."""

import csv
import io
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from dropout_cli.core.errors import UsageError
from dropout_cli.statistics.variance_components import orthogonal_array, variance_components
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.variance.design import VarianceDesign
from dropout_cli.sweeps.variance.shares import compute_shares, finding, sentences, shares_csv, shares_dict, shares_table
from dropout_cli.sweeps.variance.study import draw_shares

KEYS = ("streams.init", "streams.order", "dataset.split_seed")


def records(result: Callable[..., float], levels: int = 5, **scores: Any) -> list[RunRecord]:
    """Return the runs of a design of three sources; `result` takes the levels of a run."""
    made = []
    for init, order, split in orthogonal_array(levels, 3).tolist():
        config = {"streams": {"init": 10 + init, "order": 20 + order}, "dataset": {"split_seed": split}}
        summary = {"config": config, "test": {"accuracy": result(init, order, split), **scores}}
        made.append(RunRecord("run", {}, Replicate(0, split), summary))
    return made


def test_the_shares_are_those_of_the_variance_components_in_any_order_of_the_runs() -> None:
    """Each run has its seeds in its config, so that the order in which runs ended does not matter."""
    values = iter(np.random.Generator(np.random.PCG64(0)).normal(size=25).tolist())
    runs = records(lambda *_: next(values))
    found = compute_shares(runs, VarianceDesign(5, KEYS), "test.accuracy")
    again = compute_shares(runs[::-1], VarianceDesign(5, KEYS), "test.accuracy")
    expected = variance_components(np.array([one.score("test.accuracy") for one in runs]), orthogonal_array(5, 3))
    assert found is not None and again is not None
    assert [one.part for one in found.shares] == [*expected.sources, expected.interactions]
    assert [one.part.share for one in again.shares] == pytest.approx([one.part.share for one in found.shares])


def test_shares_need_all_runs() -> None:
    """Without one of them the design is not balanced, and no number is printed."""
    assert compute_shares(records(lambda a, b, c: a + b)[1:], VarianceDesign(5, KEYS), "test.accuracy") is None


@pytest.mark.parametrize(("key", "value"), [("init", 10), ("order", None), ("init", [1]), ("order", "x"), ("init", 99)])
def test_runs_with_other_seeds_than_planned_are_refused(key: str, value: Any) -> None:
    """A folder from someone else may have any config in a summary."""
    runs = records(lambda a, b, c: a + b)
    runs[-1].summary["config"]["streams"][key] = value
    with pytest.raises(UsageError, match="do not have the seeds of their design"):
        compute_shares(runs, VarianceDesign(5, KEYS), "test.accuracy")


def test_a_source_above_all_others_dominates() -> None:
    """The title names it, with share and interval; the sentences say that single variances do not add up."""
    found = compute_shares(records(lambda a, b, c: 10 * a + 0.1 * b * c), VarianceDesign(5, KEYS), "test.accuracy")
    assert found is not None and found.stands_out()
    assert finding(found).startswith("The initial weights dominate: 100 % [9")
    text = " ".join(sentences(found))
    assert "do not add up" in text and "5 levels are a preview" in text and "25 runs: 5 seeds of each source" in text
    rows = shares_table(found)
    assert [row[0] for row in rows][-2:] == ["together (interactions)", "all"] and rows[-1][1] == "100 %"


def test_equal_sources_do_not_dominate() -> None:
    """Neither is called the cause of the spread."""
    found = compute_shares(records(lambda a, b, c: a + b), VarianceDesign(5, KEYS), "test.accuracy")
    assert found is not None and not found.stands_out()
    assert finding(found).startswith("No source clearly dominates.")


def test_interactions_are_named_as_such() -> None:
    """If the result depends on combinations alone, the title says so."""
    found = compute_shares(records(lambda a, b, c: (a * b) % 5 % 2), VarianceDesign(5, KEYS), "test.accuracy")
    assert found is not None
    assert finding(found).startswith("The sources together (interactions) dominate: ")


def test_equal_results_have_no_shares_but_a_sentence() -> None:
    """Cells are empty, JSON has null, and the figure has no bars."""
    found = compute_shares(records(lambda *_: 0.5), VarianceDesign(5, KEYS), "test.accuracy")
    assert found is not None and list(sentences(found)) == [
        "All 25 runs have the same test accuracy: there is no variance to divide."
    ]
    rows = list(csv.DictReader(io.StringIO(shares_csv(found).decode())))
    assert [row["share"] for row in rows] == [""] * 5
    assert shares_dict(found)["interactions"]["share"] is None
    assert draw_shares(found).startswith(b"\x89PNG")


def test_the_table_for_programs_has_full_numbers() -> None:
    """A row for each source with the key of its seed, the interactions, and the sum of all."""
    found = compute_shares(records(lambda a, b, c: a + b * c), VarianceDesign(5, KEYS), "test.accuracy")
    assert found is not None
    rows = list(csv.DictReader(io.StringIO(shares_csv(found).decode())))
    assert [row["key"] for row in rows] == [*KEYS, "", ""]
    assert sum(float(row["variance"]) for row in rows[:-1]) == pytest.approx(float(rows[-1]["variance"]))
    assert [float(row["sd"]) ** 2 for row in rows] == pytest.approx([float(row["variance"]) for row in rows])


def test_the_default_metric_of_a_regression_is_its_error() -> None:
    """As in a sweep; a metric that no run has is refused."""
    runs = records(lambda *_: float("nan"), rmse=0.5)
    for run, value in zip(runs, product(range(5), repeat=2), strict=True):
        run.summary["test"].update(accuracy=None, rmse=float(value[0]))
    found = compute_shares(runs, VarianceDesign(5, KEYS), "test.accuracy")
    assert found is not None and found.metric == "test.rmse"
    with pytest.raises(UsageError, match=r"--metric: not every run has 'val\.nll'"):
        compute_shares(runs, VarianceDesign(5, KEYS), "val.nll")


def test_the_same_shares_give_the_same_figure() -> None:
    """A second drawing has the bytes of the first."""
    found = compute_shares(records(lambda a, b, c: a + b * c), VarianceDesign(5, KEYS), "test.accuracy")
    assert found is not None and draw_shares(found) == draw_shares(found)

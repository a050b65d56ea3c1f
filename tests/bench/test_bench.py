"""The benchmark measures every competitor in turn."""

import json
from pathlib import Path

import pytest

from dropout_cli.bench import competition as contest
from dropout_cli.bench import matmul_bound as gemms
from dropout_cli.bench import ours, steps
from dropout_cli.bench.case import CNN, LARGE, MEDIUM, SMALL, STEP_SUITES, BenchmarkCase, suite_cases
from dropout_cli.bench.competition import Competitor, StepTimes
from dropout_cli.bench.profile import profile_step, sum_by_kind
from dropout_cli.core.errors import RunFailed, UsageError
from tests.commands import dropout


def quiet(text: str) -> None:
    """Say nothing."""


@pytest.mark.parametrize("name", STEP_SUITES)
def test_a_case_passes_through_a_pipe_and_can_be_trained(name: str) -> None:
    """Every case of every suite comes back as it was, and is an experiment."""
    for case in suite_cases(name):
        assert BenchmarkCase.from_dict(json.loads(json.dumps(case.as_dict()))) == case
        assert ours.bench_experiment(case, 1).training.batch_size == (128 if case.is_convolutional else case.batch)


def test_every_contender_has_its_turn_first() -> None:
    """The first one changes from round to round, so that no competitor always follows the same one."""
    assert [contest.rotate(["a", "b", "c"], number)[0] for number in range(4)] == ["a", "b", "c", "a"]
    assert contest.rotate(["a", "b", "c"], 4) == ["b", "c", "a"]


def test_flops_of_a_step_counted_by_hand() -> None:
    """2 -> 3 -> 4 with 5 examples: forward 5 (6 + 12), weights the same, inputs of the second layer 5 * 12."""
    assert gemms.product_flops(BenchmarkCase(name="x", widths=(2, 3, 4), batch=5)) == 2 * 5 * (18 + 18 + 12)


def test_ours_and_the_bound_are_measured_in_processes_of_their_own() -> None:
    """Steps take longer than their products alone, and nothing is left running."""
    found = contest.measure_in_turns(SMALL, contest.choose_competitors([]), rounds=2, seconds=0.05, watch=quiet)
    assert list(found) == ["ours", "products"]
    assert found["ours"].low <= found["ours"].ms <= found["ours"].high and found["ours"].peak_bytes > 10**7
    assert found["products"].ms < found["ours"].ms


def test_a_contender_that_fails_is_one_line() -> None:
    """The line has the last line of its stderr."""
    with pytest.raises(RunFailed, match="broken: ended without an answer"):
        contest.measure_in_turns(
            SMALL, {"broken": Competitor("tests.no_such_module")}, rounds=1, seconds=0, watch=quiet
        )


def test_a_case_that_a_contender_cannot_do_is_left_out_and_said() -> None:
    """The bound of a convolutional network is not known; other frameworks report the missing feature."""
    said: list[str] = []
    chosen = {"ours": contest.OURS["ours"], "sklearn": contest.FRAMEWORKS["sklearn"]["sklearn"]}
    found = contest.measure_in_turns(SMALL, chosen, rounds=1, seconds=0.02, watch=said.append)
    assert list(found) == ["ours"] and said == ["64-128x2-10: scikit-learn's network has no dropout, and is dense"]


def test_an_unknown_framework_is_refused_by_name() -> None:
    """With those that there are."""
    with pytest.raises(UsageError, match=r"unknown framework 'tensorflow'\. Choose from: torch"):
        contest.choose_competitors(["tensorflow"])


def test_ratios_say_how_many_times_faster_we_are() -> None:
    """Theirs / ours; the share is the products' part; GFLOP/s those of the whole step."""
    row = steps.CaseTiming(
        MEDIUM, StepTimes(4.0, 3.0, 5.0, 10**8), {"jax": StepTimes(6.0, 6.0, 6.0, 0)}, StepTimes(2.0, 2.0, 2.0, 0)
    )
    assert row.ratios == {"jax": 1.5} and row.bound_share == 0.5
    assert row.gigaflops == pytest.approx(gemms.product_flops(MEDIUM) / 4e6)
    headers, cells = steps.step_table([row])
    assert dict(zip(headers, cells[0], strict=True))["jax / ours"] == 1.5


def test_a_profile_holds_every_layer_and_kind() -> None:
    """The parts of a step, with nothing below 0; of a network on one thread and of one that shares its batch."""
    lines = profile_step(SMALL, steps=3)
    assert [line.part for line in lines if line.kind == "product"] == ["hidden1", "hidden2", "output"]
    assert set(sum_by_kind(lines)) >= {"product", "noise", "activation", "loss", "optimizer", "batch assembly"}
    assert min(line.microseconds for line in [*lines, *profile_step(CNN, steps=1)]) >= 0


def test_large_networks_have_all_threads_and_small_ones_one() -> None:
    """The case has the number of threads that `training.threads: auto` chooses."""
    assert SMALL.threads == 1 and LARGE.threads == MEDIUM.threads == CNN.threads


def test_the_command_prints_and_writes_json(tmp_path: Path) -> None:
    """`--json`, `--output` and `--profile` with a figure."""
    done = dropout(
        "bench", "--rounds", "1", "--seconds", "0", "--suite", "evaluation", "--json", "-o", "b.json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == json.loads((tmp_path / "b.json").read_text())
    assert {row["case"]["work"] for row in found["suites"]["evaluation"]} == {"evaluate", "monte_carlo"}
    done = dropout("bench", "--profile", "--suite", "cnn", "--rounds", "1", "--quiet", "-o", "p.png", cwd=tmp_path)
    assert done.returncode == 0 and "conv2" in done.stdout
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")

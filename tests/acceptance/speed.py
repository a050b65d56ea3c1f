"""Training steps and evaluation beside PyTorch, JAX and scikit-learn.

The results are ratios of medians, measured in turn.

Every bar is a ratio. Above 1, this package is faster, unless a line says otherwise.
"""

import sys
from collections.abc import Mapping

from dropout_cli.bench import competition as contest
from dropout_cli.bench import steps
from dropout_cli.bench.case import STEP_SUITES
from dropout_cli.bench.case import suite_cases as suite_of
from tests import needs
from tests.acceptance.bars import Bars

AGAINST = ("torch", "jax", "sklearn")


def best(row: steps.CaseTiming, *names: str) -> float:
    """Return the smallest ratio to one of those frameworks."""
    return min(row.ratios[name] for name in names if name in row.ratios)


def tell(text: str) -> None:
    """Print to stderr, so that stdout has only the lines of bars."""
    sys.stderr.write(f"{text}\n")


def try_all(contender: contest.Competitor) -> None:
    """Let one process take a few steps of every supported case of every suite."""
    with contest.start_process("it", contender) as process:
        for case in (case for name in STEP_SUITES for case in suite_of(name)):
            if "unable" not in process.request({"prepare": case.as_dict(), "threads": 1}):
                assert min(process.request({"seconds": 0})["ms"]) > 0


if __name__ == "__main__":
    bars = Bars("speed")
    if not bars.smoke:
        needs.must_be_installed("torch", needs.TORCH)
        needs.must_be_installed("jax", needs.JAX)
    rounds, seconds = (1, 0.0) if bars.smoke else (7, 0.4)
    command = "dropout bench --suite {} --against torch,jax,sklearn"

    def suite(name: str) -> Mapping[str, steps.CaseTiming]:
        """Measure a suite; return its rows by the name of the case."""
        against = () if bars.smoke else AGAINST
        rows = steps.measure_steps(name, against, rounds=rounds, seconds=seconds, watch=tell)
        return {row.case.name: row for row in rows}

    mlp, large = suite("mlp"), "784-1024x3-10"
    if bars.smoke:
        for contender in (contest.OURS["ours"], contest.FRAMEWORKS["sklearn"]["sklearn"]):
            try_all(contender)
    else:
        adam, variants, cnn, evaluation = (suite(name) for name in ("optimizers", "variants", "cnn", "evaluation"))
        for name, bar in (("64-128x2-10", 2.0), ("784-512x2-10", 1.3), (large, 1.15)):
            bars.at_least(
                f"{name}: best of PyTorch and JAX / ours", best(mlp[name], "torch", "jax"), bar, command.format("mlp")
            )
            with_adam = best(adam[f"{name}, adam"], "torch", "jax")
            bars.at_least(f"{name}, Adam: best / ours", with_adam, 1.0, command.format("optimizers"))
        for name in ("gaussian", "alpha", "dropconnect", "concrete", "variational"):
            bars.at_least(f"{name}: JAX / ours", best(variants[name], "jax"), 1.0, command.format("variants"))
        torches = best(cnn["mnist_cnn"], "torch", "torch, channels last")
        bars.at_least("mnist_cnn: best PyTorch / ours", torches, 1.1, command.format("cnn"))
        plain = best(adam["784-512x2-10, none, adam"], "sklearn")
        bars.at_least("784-512x2-10, no dropout: scikit-learn / ours", plain, 1.5, command.format("optimizers"))
        for name, bar in (("1,000 examples, noise off", 1.0), ("1,000 examples, noise on", 3.0)):
            bars.at_least(f"{name}: PyTorch / ours", best(evaluation[name], "torch"), bar, command.format("evaluation"))
    share = mlp[large].bound_share
    assert share is not None
    bars.at_least(f"{large}: share of the products", share, 0.80, command.format("mlp"))
    cost = mlp[large].ours.ms / mlp[f"{large}, none"].ours.ms
    bars.at_most(f"{large}: inverted / none, time", cost, 1.08, command.format("mlp"))
    faster = mlp[f"{large}, none"].ours.ms / mlp[f"{large}, batchwise"].ours.ms
    bars.at_least(f"{large}: none / batchwise, time", faster, 1.6, command.format("mlp"))
    bars.end()

"""Time of whole commands beside scripts in PyTorch, and time of the short commands."""

from dropout_cli.bench.commands import CommandTiming, measure_commands
from tests import needs
from tests.acceptance.bars import Bars

ROUNDS = {"startup": 5, "sweep": 3}
TIMES = {"train MNIST for 5 epochs": 1.5, "100 runs of the digits": 3.0}
"""Command -> how many times faster than PyTorch it must be."""
SECONDS = {"help": 0.2, "list 1,000 runs": 1.0, "train the digits": 3.5}


def judge(bars: Bars, row: CommandTiming) -> None:
    """Print the bars of one command."""
    told = f"{row.command} (median of {row.low:.2f} to {row.high:.2f} s)"
    if row.name in SECONDS:
        bars.at_most(f"seconds to {row.name}", row.seconds, SECONDS[row.name], told)
    for name, ratio in row.ratios.items():
        bars.at_least(f"{row.name}, times faster than {name}", ratio, TIMES[row.name], told)


def main(bars: Bars) -> None:
    """Measure all commands."""
    for suite, rounds in ROUNDS.items():
        rounds = 1 if bars.smoke else rounds
        rows = measure_commands(suite, ["torch"], rounds, lambda text: None, short=bars.smoke)
        for row in rows:
            judge(bars, row)


if __name__ == "__main__":
    judged = Bars("commands_speed")
    needs.must_be_installed("torch", needs.TORCH)
    main(judged)
    judged.end()

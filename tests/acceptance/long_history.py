"""A run of 200,000 epochs ends, is resumed, verified and drawn, although its history has more than 16 MB."""

import tempfile
from pathlib import Path

from dropout_cli import config
from dropout_cli.analysis.evaluate import draw_run_figures
from dropout_cli.analysis.verify import verify_run
from dropout_cli.core.errors import INTERRUPT, Interrupted, StopRequest
from dropout_cli.runs import Run
from dropout_cli.training.loop import EpochRecord, TrainingProgress
from dropout_cli.training.resume import resume_run
from dropout_cli.training.run import prepare_run, run_experiment
from tests.acceptance.bars import Bars

CONFIG = """\
dataset: {name: moons, examples: 20}
architecture: {name: mlp, hidden: [1]}
dropout: none
training: {batch_size: 13, threads: 1}
yardstick: none
"""


def stop_at(last: int, event: TrainingProgress | EpochRecord) -> None:
    """Stop as Ctrl-C does, at the end of an epoch."""
    if isinstance(event, EpochRecord) and event.epoch == last:
        raise StopRequest(INTERRUPT)


if __name__ == "__main__":
    bars = Bars("long_history")
    epochs = 3_000 if bars.smoke else 200_000
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "tiny.yaml").write_text(CONFIG)
        loaded = config.load_config(folder / "tiny.yaml", [f"training.epochs={epochs}"])
        run, stop, interrupted = Run.create(folder / "runs", "long"), epochs * 9 // 10, False
        try:
            run_experiment(
                prepare_run(loaded.experiment),
                run,
                loaded.text,
                watch=lambda event: stop_at(stop, event),
                figures=False,
            )
        except Interrupted:
            interrupted = run.final_status == "interrupted"
        command = f"dropout train tiny.yaml training.epochs={epochs}"
        bars.at_least("interrupted and saved", float(interrupted), 1, command, always=True)
        summary = resume_run(run, watch=lambda _: None)
        bars.at_least("epochs after resuming", summary["epochs"], epochs, "dropout resume latest", always=True)
        wrong = [check for check in verify_run(run) if not check.right]
        bars.at_most("failed checks", len(wrong), 0, "dropout verify latest", always=True)
        draw_run_figures(run)
        drawn = len(list(run.path.glob("after/*/*.png")))
        bars.at_least("figures drawn", drawn, 1, "dropout show latest --figures", always=True)
        if not bars.smoke:
            megabytes = run.path_of("metrics.csv").stat().st_size / 1e6
            bars.at_least("megabytes of metrics.csv", megabytes, 17, command)
    bars.end()

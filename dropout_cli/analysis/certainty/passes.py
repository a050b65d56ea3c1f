"""Monte Carlo passes of studies that compare certainty between examples."""

from dropout_cli.analysis import mc_notices
from dropout_cli.data.dataset import Part
from dropout_cli.nn.layers.base import Layer
from dropout_cli.tasks import Regression, Task
from dropout_cli.training import noise_checks, pass_noise
from dropout_cli.training.restore import LoadedModel

DEFAULT_PASSES = 20
"""Number of passes, if the network draws noise and the user gives no number."""
SMALLEST_SPREAD = 1e-12
"""Mutual information (nats) and spread (in units of the targets' sd) up to this value are rounding."""


def choose_passes(
    trained: LoadedModel, network: Layer, part: Part, passes: int | None, all_noise: bool, option: str
) -> tuple[int | None, list[str]]:
    """Return the number of passes, None if they would draw no noise, and a notice for this case.

    Args:
        trained: The model.
        network: Its network, with the evaluated weights.
        part: The examples.
        passes: The number that the user wishes; None: the default.
        all_noise: True to draw the noise of the training, not the dropout alone.
        option: The option that asks for the study; the notice names it if the user gives no number.
    """
    named = option if passes is None else "--mc"
    problem = noise_checks.no_noise_problem(named, network, trained.dataset, part, trained.experiment, all_noise)
    if problem is not None:
        return None, [f"{problem} The numbers of the Monte Carlo passes are left out."]
    return passes or DEFAULT_PASSES, []


def no_spread_notice(task: Task, passes: int, largest: float) -> list[str]:
    """Return a notice if the passes do not differ, so that their spread is only rounding.

    Args:
        task: The task, which decides the name of the spread.
        passes: Number of passes.
        largest: The largest mutual information of an example, in nats, or the largest spread, in the unit of the
            targets.
    """
    name, unit = "mutual information", 1.0
    if isinstance(task, Regression):
        name, unit = "spread", float(task.targets.sd.max())
    if passes == 1:
        return [f"--mc 1: one pass has no {name}, so it is left out. Use at least 2 passes."]
    if largest <= SMALLEST_SPREAD * unit:
        return [f"The {passes} passes do not differ, so their {name} is left out."]
    return []


def with_pass_noise(
    trained: LoadedModel, network: Layer, task: Task, passes: int, all_noise: bool
) -> tuple[Task, list[str]]:
    """Return the task with the target noise estimated for these passes, and notices about it.

    Args:
        trained: The model.
        network: Its network, with the evaluated weights.
        task: The task, as `with_target_error` returns it.
        passes: Number of passes.
        all_noise: True to draw the noise of the training, not the dropout alone.
    """
    dataset = trained.dataset
    fitted = pass_noise.fit_pass_noise(
        task, network, dataset, trained.experiment, count=passes, training_noise=all_noise
    )
    notices = fitted.notices()
    if dataset.val is None and fitted.needs_passes:
        notices.append(mc_notices.NOISE_FROM_TRAINING)
    return fitted, notices

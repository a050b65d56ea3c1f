"""The setting of a sweep that predicts new data: a named one, or the best one on the validation part."""

from dataclasses import dataclass
from pathlib import Path

from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted
from dropout_cli.runs import Run
from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.baselines import baseline_text, equal_values
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.records import RunGroup, Values, group_runs, setting_label
from dropout_cli.sweeps.wording import group_name

MOST_NAMED = 6
"""The most settings that an error names."""


@dataclass(frozen=True)
class ChosenSetting:
    """The setting whose runs predict together."""

    group: RunGroup
    is_best: bool
    """True if the validation part chose it, False if it was named or is the only one."""

    @property
    def runs(self) -> list[Run]:
        """The complete runs of the setting."""
        return [Run(Path(record.path)) for record in self.group.runs]

    @property
    def described(self) -> str:
        """The setting and its number of runs, for a sentence."""
        best = "the best setting on the validation part, " if self.is_best else ""
        return f"{best}{group_name(self.group)}: {counted(len(self.group.runs), 'run')}"

    @property
    def message(self) -> str:
        """The setting and its number of runs, in a sentence about predictions."""
        return f"Predicting with {self.described}{', averaged' * (len(self.group.runs) > 1)}."


def choose_setting(folder: SweepFolder, wanted: Values | None) -> ChosenSetting:
    """Return the setting with which a sweep predicts.

    Args:
        folder: The folder of the sweep.
        wanted: Key -> value of the setting; None: the best one on the validation part, as the notes name it.

    Raises:
        UsageError: No complete run has these values, several settings have them, or no setting is the best one.
    """
    records, plan = stored_plan.read_runs(folder)
    place = str(folder.path)
    if not records:
        raise UsageError(place, "no run is complete", "Run the same `dropout sweep` command again to continue.")
    groups = group_runs(records, plan.keys)
    if wanted is not None:
        return ChosenSetting(_named(groups, wanted), is_best=False)
    if len(groups) == 1:
        return ChosenSetting(groups[0], is_best=False)
    evidence = plan.compare(records, stored_plan.read_failures(folder, plan))
    if evidence.chosen is None:
        fact = "the best setting is unknown: the settings share too few seeds, or the runs have no validation part"
        raise UsageError(place, fact, f"Give one with --setting KEY=VALUE (in Python: setting). {_settings(groups)}")
    return ChosenSetting(evidence.groups[evidence.chosen.best], is_best=True)


def _named(groups: tuple[RunGroup, ...], wanted: Values) -> RunGroup:
    """Return the only group with the values; raise UsageError if there is none, or several."""
    matching = [
        group
        for group in groups
        if all(key in group.values and equal_values(group.values[key], value) for key, value in wanted.items())
    ]
    if len(matching) == 1:
        return matching[0]
    text = baseline_text(wanted)
    if matching:
        raise UsageError("--setting", f"{len(matching)} settings have {text}", f"Give more keys. {_settings(matching)}")
    raise UsageError("--setting", f"no complete run has {text}", _settings(groups))


def _settings(groups: tuple[RunGroup, ...] | list[RunGroup]) -> str:
    """Return the names of settings in a sentence."""
    names = [setting_label(group.values) for group in groups[:MOST_NAMED]]
    more = [f"{len(groups) - MOST_NAMED} more"] * (len(groups) > MOST_NAMED)
    return f"The settings are: {'; '.join([*names, *more])}."

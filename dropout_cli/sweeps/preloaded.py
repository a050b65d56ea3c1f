"""Every class that a config can choose: the fork server imports them once, and no cell has to."""

import dropout_cli.sweeps.cell  # noqa: F401
from dropout_cli.architectures import ARCHITECTURES
from dropout_cli.data.source import DATASETS
from dropout_cli.objectives import OBJECTIVES
from dropout_cli.variants import VARIANTS

for registry in (ARCHITECTURES, DATASETS, OBJECTIVES, VARIANTS):
    registry.names()

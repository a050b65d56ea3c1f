"""Test accuracy of every variant's config on digits.

The naive form of concrete has no bar: it is broken on purpose.
"""

from dropout_cli.variants import VARIANTS
from tests.acceptance.bars import Bars

if __name__ == "__main__":
    bars = Bars("variants")
    for name in VARIANTS.names()[: 2 if bars.smoke else None]:
        summary, _, command = bars.train(f"configs/variants/{name}.yaml")
        bar = 0.0 if name == "concrete_naive" else 0.94
        bars.at_least(f"{name}: test accuracy", summary["test"]["accuracy"], bar, command)
    bars.end()

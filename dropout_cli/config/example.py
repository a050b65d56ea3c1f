"""A config to try a variant with."""

from dropout_cli.config.files import bundled
from dropout_cli.config.writing import dump
from dropout_cli.variants import VARIANTS


def example(variant: str) -> str:
    """Return the bundled config of that variant, or else the shortest one that trains with it."""
    path = bundled().get(f"variants/{variant}")
    if path is not None:
        return "".join(line for line in path.read_text().splitlines(keepends=True) if "$schema" not in line)
    law = VARIANTS[variant]
    architecture = {"maps": "cnn", "blocks": "resnet"}.get(law.supports, "mlp")
    block = {"name": architecture, "activation": law.suited_activation}
    return dump({"dataset": "digits", "architecture": block, "dropout": variant})

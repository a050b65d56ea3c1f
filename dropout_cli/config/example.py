"""Example config for trying out a variant."""

from dropout_cli.config.files import bundled_configs
from dropout_cli.config.writing import dump_yaml
from dropout_cli.variants import VARIANTS


def example_config(variant: str) -> str:
    """Return the bundled config of a variant, or else the shortest one that trains with it.

    Args:
        variant: the variant's name in YAML.
    """
    path = bundled_configs().get(f"variants/{variant}")
    if path is not None:
        # The path of the schema is only right inside the configs folder.
        return "".join(
            line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if "$schema" not in line
        )
    cls = VARIANTS[variant]
    architecture = {"maps": "cnn", "blocks": "resnet"}.get(cls.supports, "mlp")
    block = {"name": architecture, "activation": cls.suited_activation}
    return dump_yaml({"dataset": "digits", "architecture": block, "dropout": variant})

"""The files that are part of the package."""

from pathlib import Path


def configs_folder() -> Path:
    """Return the folder of the bundled configs."""
    package = Path(__file__).parents[1]
    inside = package / "configs"  # in an installed wheel; in a checkout the folder is beside the package
    return inside if inside.is_dir() else package.parent / "configs"

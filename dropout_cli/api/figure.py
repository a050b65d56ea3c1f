"""A figure that a notebook shows and a script saves."""

from dataclasses import dataclass
from pathlib import Path

from dropout_cli.core.errors import UsageError
from dropout_cli.runs import write_atomic


@dataclass(frozen=True)
class RunFigure:
    """A figure of a run or a sweep."""

    name: str
    """Its name, such as `curves`."""
    svg: str
    """The figure as SVG; letters are text."""

    def save(self, path: str | Path) -> Path:
        """Write the figure to an SVG file, and return its path.

        Args:
            path: The file; its name ends in `.svg`.

        Raises:
            UsageError: The name has another ending.
        """
        if Path(path).suffix.lower() != ".svg":
            way_out = f"Write {Path(path).with_suffix('.svg').name}; the folder of the run or sweep has PNG files."
            raise UsageError(str(path), "a figure is saved as SVG", way_out)
        write_atomic(Path(path), self.svg.encode())
        return Path(path)

    def __repr__(self) -> str:
        """Return the name; a notebook shows the figure instead."""
        return f"<figure {self.name}>"

    def _repr_svg_(self) -> str:
        return self.svg


def choose_figure(figures: dict[str, bytes], name: str) -> RunFigure:
    """Return the figure of a name.

    Args:
        figures: File name -> SVG.
        name: The name, with or without `.png`.

    Raises:
        KeyError: There is none.
    """
    known = {file.removesuffix(".png"): data for file, data in figures.items()}
    name = name.removesuffix(".png")
    if name not in known:
        raise KeyError(f"no figure {name!r}. There are: {', '.join(sorted(known))}")
    svg = known[name].decode()
    # Without the declaration of a file, it can be a part of a page.
    return RunFigure(name, svg[svg.index("<svg") :])

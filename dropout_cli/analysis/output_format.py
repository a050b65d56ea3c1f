"""The notation of a CSV output: the usual one, or that of the input file."""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dropout_cli.config.stored import load_run_config
from dropout_cli.core.errors import UsageError
from dropout_cli.data.readers.encoding import Encoding
from dropout_cli.data.readers.file_format import find_format
from dropout_cli.data.readers.table_file import text_dialect
from dropout_cli.data.sources.table import TableSource
from dropout_cli.metrics import csv_text
from dropout_cli.runs import Run
from dropout_cli.training.restore import load_preprocessing


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV output is written."""

    separator: str = ","
    quote: str = '"'
    decimal_comma: bool = False
    encoding: str = "utf-8"

    def lines(self, rows: Iterable[tuple[list[Any], list[Any]]]) -> str:
        """Return rows as text, with six digits for predicted numbers.

        Args:
            rows: The cells of the file, which keep their notation, and the predicted cells.
        """
        table = [[*cells, *map(self._predicted, predicted)] for cells, predicted in rows]
        return csv_text(table, self.separator, self.quote)

    def _predicted(self, cell: Any) -> Any:
        if isinstance(cell, tuple):
            return join_classes(cell)
        if not isinstance(cell, float):
            return cell
        text = f"{cell:.6g}"
        return text.replace(".", ",") if self.decimal_comma else text

    def encode(self, pieces: Iterable[str]) -> Iterator[bytes]:
        """Yield the bytes of a text that comes in pieces, with one mark at its beginning.

        Raises:
            UsageError: The encoding lacks a character.
        """
        # surrogateescape: bytes of the input that are not UTF-8 come out as they went in.
        encoder = codecs.getincrementalencoder(self.encoding)("surrogateescape")
        for piece in pieces:
            try:
                yield encoder.encode(piece)
            except UnicodeEncodeError as error:
                name, letter = Encoding(self.encoding).title, piece[error.start]
                raise UsageError(
                    "--same-format", f"{name}, the encoding of the input, has no '{letter}'", "Leave out --same-format."
                ) from None


def join_classes(names: Iterable[str]) -> str:
    r"""Return names of classes as one text, such as `cat|dog`.

    Args:
        names: The names; a `|` or `\` in them gets a `\` in front.
    """
    return "|".join(name.replace("\\", "\\\\").replace("|", "\\|") for name in names)


def input_format(run: Run, file: Path) -> CsvFormat:
    """Return the notation of a text table that a run is to predict.

    Args:
        run: The run, for what its config says about tables.
        file: The table.

    Raises:
        UsageError: The file is not a text table.
        DataError: The file is empty or is not text.
    """
    fitted = load_preprocessing(run)
    is_table = fitted is not None and fitted.columns and not file.is_dir()
    if fitted is None or not is_table or file.suffix.lower() == ".gz" or find_format(file) != "text":
        raise UsageError("--same-format", f"{file} is not a text table", "Leave out --same-format.")
    source = load_run_config(run).dataset
    options = (source if isinstance(source, TableSource) else TableSource(path=str(file))).file_options
    dialect = text_dialect(file, options)
    comma = dialect.decimal_comma
    if comma is None:  # the first rows do not show it, so that the numbers of the training decide
        comma = any(column.decimal_comma for column in fitted.columns)
    encoding = dialect.encoding
    if encoding == "utf-8-sig":  # the name under which UTF-8 is read with and without a mark
        with file.open("rb") as opened:
            encoding = encoding if opened.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else "utf-8"
    # White space of any width is written as one blank; cells with blanks get quotes.
    return CsvFormat(dialect.separator or " ", dialect.quote, comma, encoding)

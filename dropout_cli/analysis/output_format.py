"""The notation of a CSV output: the usual one, or that of the input file."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dropout_cli import config
from dropout_cli.core.errors import UsageError
from dropout_cli.data.readers.encoding import Encoding
from dropout_cli.data.readers.excel_parquet import EXCEL_SUFFIXES, PARQUET_SUFFIXES
from dropout_cli.data.sources.table import TableSource
from dropout_cli.runs import RESOLVED, Run
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
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self.separator, quotechar=self.quote, lineterminator="\n")
        for cells, predicted in rows:
            writer.writerow([*cells, *map(self._predicted, predicted)])
        return text.getvalue()

    def _predicted(self, cell: Any) -> Any:
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
    binary = (*EXCEL_SUFFIXES, *PARQUET_SUFFIXES, ".npy", ".npz", ".idx", ".gz")
    if file.suffix.lower() in binary or fitted is None or not fitted.columns:
        raise UsageError("--same-format", f"{file} is not a text table", "Leave out --same-format.")
    source = config.load_config(run.path / RESOLVED, is_stored=True).experiment.dataset
    dialect = (source if isinstance(source, TableSource) else TableSource(path=str(file))).detect_dialect(file)
    comma = dialect.decimal_comma
    if comma is None:  # the first rows do not show it, so that the numbers of the training decide
        comma = any(column.decimal_comma for column in fitted.columns)
    encoding = dialect.encoding
    if encoding == "utf-8-sig":  # the name under which UTF-8 is read with and without a mark
        with file.open("rb") as opened:
            encoding = encoding if opened.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else "utf-8"
    # White space of any width is written as one blank; cells with blanks get quotes.
    return CsvFormat(dialect.separator or " ", dialect.quote, comma, encoding)

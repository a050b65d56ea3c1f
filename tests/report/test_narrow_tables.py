"""Wide tables become narrow ones, in which every row can still be told from the others."""

from dropout_cli.report.common import MAX_COLUMNS, naming_columns, narrow_tables

HEADERS = ["prediction", "score", "AUROC", "AP", "FPR", "threshold"]
ROWS = [
    [prediction, score, 0.9, 0.8, 0.7, 0.6]
    for prediction in ("no noise", "Monte Carlo")
    for score in ("entropy", "maximum probability")
]


def test_columns_that_name_a_row_are_repeated() -> None:
    """Two columns tell the rows apart, so both are in every piece."""
    tables = narrow_tables("Scores", HEADERS, ROWS)
    assert len(tables) == 2
    for table in tables:
        assert list(table.headers[:2]) == HEADERS[:2] and len(table.headers) <= MAX_COLUMNS
        assert len({tuple(row[:2]) for row in table.rows}) == len(ROWS)
    assert [name for table in tables for name in table.headers[2:]] == HEADERS[2:]


def test_the_first_column_is_enough_where_it_tells_rows_apart() -> None:
    """A table of settings repeats only their names."""
    rows = [[f"rate {place}", 1, 1, 1, 1] for place in range(3)]
    assert naming_columns(rows) == 1 and naming_columns([]) == 1
    assert naming_columns([["a", 1], ["a", 1]]) == 1  # equal rows cannot be told apart
    assert [len(table.headers) for table in narrow_tables("t", ["a", "b", "c", "d", "e"], rows)] == [4, 2]

"""Starter config for a table: guessed target, columns to leave out, suitable sizes, comments."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from dropout_cli.config.starter.class_sizes import unequal_classes
from dropout_cli.config.starter.columns import DATES, unusable_reason
from dropout_cli.config.starter.lines import ConfigLine, split_lines
from dropout_cli.config.starter.recipe import recipe_text
from dropout_cli.config.starter.rows import COMMENTS, keys_for_values, read_with_keys
from dropout_cli.config.starter.target import CHOSEN_BY_USER, choose_target, infer_task
from dropout_cli.config.starter.weights import weights_notice
from dropout_cli.config.starter.words import keep_answers_of_target, read_words
from dropout_cli.core.shell_words import quote_word
from dropout_cli.core.text import counted
from dropout_cli.data.base import TEST, Examples
from dropout_cli.data.column_warnings import column_warnings
from dropout_cli.data.readers import cells
from dropout_cli.data.readers.table_examples import examples_from_frame
from dropout_cli.data.sources.table import TableSource


def table_config(file: Path, target: str | None = None, test_file: Path | None = None) -> tuple[str, str]:
    """Return the text of a config for a table, and a message about the guesses in it.

    Args:
        file: the table.
        target: the column to predict; None guesses it.
        test_file: a second table, with the rows to test on; None takes a part of the rows.

    Raises:
        DataError: if the file cannot be read or its columns cannot be used.
        UsageError: if the target is no column.
    """
    table = TableSource(path=str(file.absolute()))
    sheet = table.with_all_words().read_cells(file)
    readings = read_words(sheet)
    columns = readings.columns
    codes = [name for name in sheet.code_columns if columns[name].dtype.kind in "iuf"]
    columns |= {name: cells.column_to_words(columns[name]).astype(object) for name in codes}
    target, why = choose_target(columns, target, file)
    keep_answers_of_target(readings, sheet, target)
    has_target = columns[target].notna()
    reasons = {
        name: unusable_reason(name, series) or ("empty" if has_target.any() and series[has_target].isna().all() else "")
        for name, series in columns.items()
        if name != target
    }
    unusable = {name: reason for name, reason in reasons.items() if reason}
    # Keep something to learn from, even if it looks like a row number.
    drop = [] if len(unusable) == len(columns) - 1 else [*unusable]
    task = infer_task(columns[target])
    learned = {name: series for name, series in columns.items() if name not in (target, *drop)}
    categorical = [name for name in codes if name in learned]

    def read(source: TableSource) -> Examples:
        options = source.options(sheet.decimal_comma)
        return examples_from_frame(sheet.frame, options, sheet.where, place=str(file), as_written=lambda: sheet.frame)

    source = replace(table, target=target, task=task, drop=tuple(drop), categorical=tuple(categorical))
    examples, keys = read_with_keys(source, keys_for_values(readings, target, learned), read)
    kind = f"classification, {len(examples.classes)} classes" if examples.classes else "regression"
    guessed_target = why != CHOSEN_BY_USER

    source, split, tests = replace(source, **keys), examples, []
    if test_file is not None:
        # Reading both files shows whether they fit together.
        source = replace(source, test_path=str(test_file.absolute()))
        split = source.read()
        tests = [f"{test_file}: {counted(int(np.count_nonzero(split.assigned_parts == TEST)), 'row')} to test on."]
    drawn, recipe = split_lines(source, split)

    lines = [
        ConfigLine("path", str(file)),
        *([] if test_file is None else [ConfigLine("test_path", str(test_file))]),
        ConfigLine("target", target, f"{'guessed, ' * guessed_target}{why}", is_guess=guessed_target),
        ConfigLine("task", task, _TASK_COMMENT, is_keyword=True),
        ConfigLine("drop", drop, _DROP_COMMENT if drop else "", is_guess=bool(drop)),
    ]
    if categorical:
        lines.append(ConfigLine("categorical", categorical, _CODES_COMMENT, is_guess=True))
    lines += [
        ConfigLine(key, value, COMMENTS[key], is_guess=True, is_keyword=isinstance(value, str))
        for key, value in keys.items()
    ]
    lines += drawn
    messages = [f"{file}: predicts '{target}', {why} ({kind}; dataset.task decides).", *tests]
    if unusable:
        listed = ", ".join(f"'{name}' ({reason})" for name, reason in unusable.items())
        messages.append(f"{'Columns left out' if drop else 'Kept, as there is no other column'}: {listed}.")
    if drop and DATES in unusable.values():
        kept = ", ".join(name for name in drop if unusable[name] != DATES)
        messages.append(f"To make numbers of dates: {quote_word(f'dataset.drop=[{kept}]')} dataset.dates=expand.")
    messages += readings.notices(learned.keys())
    messages += filter(None, [weights_notice(learned)])
    if categorical:
        verb = "is a category" if len(categorical) == 1 else "are categories"
        messages.append(f"{cells.quote_names(categorical)} {verb}, because of leading zeros.")
    messages += [notice[:1].upper() + notice[1:] for notice in examples.notices]
    messages += [f"Warning: {warning}" for warning in column_warnings(examples)]
    weights, unequal = unequal_classes(examples)
    messages += [unequal] if unequal else []
    guessed = [f"dataset.{line.key}" for line in lines if line.is_guess]
    changed = " and ".join([", ".join(some) for some in (guessed[:-1], guessed[-1:]) if some])
    messages += [*sheet.notices, *([f"Change {changed} if that is wrong."] if guessed else [])]
    summary = f"{len(examples.labels):,} rows, {counted(len(examples.columns), 'column')} to learn from; {kind}."
    text = _DATASET.format(summary=summary, lines="".join(line.text() for line in lines)) + recipe_text(recipe, weights)
    return text, "\n".join(messages)


_TASK_COMMENT = "classification or regression; auto: decided from the values of the target"
_DROP_COMMENT = "empty columns, dates, row numbers, and columns with a different value in nearly every row"
_CODES_COMMENT = "digits with leading zeros: codes, not numbers"
_DATASET = """\
# {summary}
# To see what was read, column by column: dropout config check THIS_FILE --data
dataset:
  name: table
{lines}"""

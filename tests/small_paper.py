"""Small reproductions for tests: a table of their own data, which train within seconds."""

from pathlib import Path

import numpy as np

PAPER = """
paper: A paper, table 1
question: Is dropout better?
base: base.yaml
reference: none
rows:
  none: {label: no dropout, published: 20.0, set: {dropout: {variant: none}}}
  drop:
    label: dropout
    published: 18.0
    set: {dropout: {variant: inverted, rate: 0.2}}
    choose: {dropout.rate: [0.1, 0.5]}
  other: {label: a kernel machine, published: 15.0, not_run: It is no network.}
orders: [[drop, none]]
choices: {by: val.error, set: {training.epochs: 2}}
scales:
  smoke: {seeds: 3, minutes: 1, set: {training.epochs: 2}}
  laptop: {seeds: 3, minutes: 1}
  full: {seeds: 3, minutes: 1, set: {training.epochs: 2}}
"""

DISTILLED = """
paper: A paper, table 2
question: Does a student learn from a teacher?
base: base.yaml
rows:
  teacher: {label: teacher, published: 20.0, set: {architecture: {name: mlp, hidden: [12]}}}
  student:
    label: student
    published: 21.0
    teacher: teacher
    set: {objective: {name: distillation, temperature: 2.0}}
  student_nll: {label: "student, nll", same_runs: student, metric: test.nll, unit: none}
  drop:
    label: dropout
    set: {dropout: {variant: inverted, rate: 0.2}}
    choose: {dropout.rate: [0.1, 0.5]}
orders: [[teacher, student]]
choices: {by: val.error, per: replicate, set: {training.epochs: 2}}
scales:
  smoke: {seeds: 2, minutes: 1, set: {training.epochs: 2}}
  laptop: {seeds: 2, minutes: 1}
  full: {seeds: 2, minutes: 1}
"""

LINE = """
paper: A paper, table 3
question: How large is the error on a line?
base: base.yaml
set:
  dataset: {name: linear, examples: 200, test_fraction: 0.5, val_fraction: 0.0}
  objective: {name: squared_error}
metric: test.rmse
unit: none
rows:
  rmse: {label: RMSE, published: 1.0}
scales:
  smoke: {seeds: 3, minutes: 1}
  laptop: {seeds: 3, minutes: 1}
  full: {seeds: 3, minutes: 1}
"""


def write_paper(folder: Path, text: str = PAPER, *, shuffled: bool = False) -> Path:
    """Write a small dataset, a config and a reproduction file, and return the last.

    Args:
        folder: Where they are written.
        text: The reproduction file.
        shuffled: True to shuffle the test labels.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(260, 4)).astype(np.float32)
    y = (x @ [1.0, -1.0, 0.5, 0.0] + rng.normal(size=260) > 0).astype(np.int64)
    x_test, y_test = x[200:], y[200:]
    if shuffled:
        y_test = rng.permutation(y_test)
    np.savez(folder / "data.npz", x=x[:200], y=y[:200], x_test=x_test, y_test=y_test)
    base = "dataset: {name: arrays, path: data.npz, val_fraction: 0.2}\narchitecture: {name: mlp, hidden: [8]}\n"
    (folder / "base.yaml").write_text(base + "training: {epochs: 3, batch_size: 20}\nyardstick: none\n")
    paper = folder / "paper.yaml"
    paper.write_text(text)
    return paper

"""Recipes of `dropout config init --data`, against simple models and scikit-learn's on the same rows.

Fifteen tasks on fourteen tables, twenty splits each. On every split the written config is trained as it is. Its rivals
get the network's encoded inputs, and the training and validation rows together, since they do not stop early:

- dummy: the frequencies of the classes, or the mean
- MLP: MLPClassifier or MLPRegressor, hidden_layer_sizes=(64, 64), otherwise defaults, after StandardScaler
- linear: LogisticRegression(max_iter=1000) or Ridge, after StandardScaler
- trees: HistGradientBoosting, defaults

All predict the same test rows. Targets of regressions are standardized for the rivals too.
The primary score is the accuracy of classes and the RMSE of numbers, since the likelihood of an MLP without
early stopping is easy to beat; NLL has the same bars. A difference is positive where the recipe is better.

The difference from the MLP on a split is divided by the standard deviation of the two scores over the splits, and the
pooled mean is that over all tasks. Its interval holds for new splits of these tables. Splits of a table share rows, so
the variance of a task's mean has the factor 1/n + test rows / other rows (Nadeau & Bengio 2003). For the primary
score, a second bar takes the tasks as a sample; its interval is wider. NLL has no such bar: one of its eight
differences is larger than all others together, so that their t interval says nothing.
"""

import math
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from dropout_cli.config import load_config
from dropout_cli.config.schema import Experiment
from dropout_cli.config.starter import starter_config
from dropout_cli.config.starter.recipe import recipe_for_rows, recipe_text
from dropout_cli.core.types import Array
from dropout_cli.data.cache import data_directories
from dropout_cli.data.dataset import BatchReader, Dataset
from dropout_cli.statistics import t_interval
from dropout_cli.training import loop
from dropout_cli.training.checkpoint import Snapshot
from dropout_cli.training.results import evaluate_parts
from dropout_cli.training.setup import PreparedExperiment, prepare, thread_limit
from tests.acceptance.bars import Bars

TABLES = ("sonar", "pima-indians-diabetes", "wheat-seeds", "breast-cancer")
FROM_SCIKIT_LEARN = ("iris", "wine", "breast_cancer", "diabetes")
REGRESSIONS = ("bostonHousing", "concrete", "energy", "power-plant", "wine-quality-red", "yacht")
AS_REGRESSION = "wine-quality-red, as numbers"
"""The starter config takes its six whole numbers for classes; published results take them for numbers."""
SPLITS = 20
SMOKE_TASKS = ("sklearn iris", "yacht")
RIVALS = ("dummy", "MLP", "linear", "trees")
MIN_PROBABILITY = 1e-15
TEST_RATIO = 0.25
"""Test rows over all other rows: the recipe tests on a fifth."""


class Result(NamedTuple):
    """Scores of one split: model -> name of the score -> value, where larger is better (so RMSE is negative)."""

    task: str
    split: int
    scores: dict[str, dict[str, float]]


def configs(folder: Path, smoke: bool) -> Iterator[tuple[str, Path]]:
    """Write the starter config of every task; yield its name and its path."""
    data = {name: directory / name for name in ("tabular", "uci_regression") for directory in data_directories()[::-1]}
    files = {f"sklearn {name}": _write_table(folder, name) for name in FROM_SCIKIT_LEARN}
    files |= {name: data["tabular"] / f"{name}.csv" for name in TABLES}
    files |= {name: data["uci_regression"] / name / "data.txt" for name in REGRESSIONS}
    for name, file in files.items():
        if smoke and name not in SMOKE_TASKS:
            continue
        text, _ = starter_config(file)
        yield name, _write(folder, name, text)
        if name in AS_REGRESSION:
            rows = len(np.loadtxt(file))
            head = text[: text.index("architecture:")].replace("task: auto", "task: regression")
            yield AS_REGRESSION, _write(folder, AS_REGRESSION, head + recipe_text(recipe_for_rows(rows, 0)))


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def _write_table(folder: Path, name: str) -> Path:
    """Write a data set of scikit-learn as a CSV file with names of columns and classes."""
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = found.frame
    if name != "diabetes":
        frame["target"] = [str(found.target_names[number]) for number in found.target]
    frame.to_csv(folder / f"{name}.csv", index=False)
    return folder / f"{name}.csv"


def measure(job: tuple[str, Path, int, bool]) -> Result:
    """Train the recipe and its rivals on one split."""
    name, config, split, smoke = job
    overrides = [f"dataset.split_seed={split}", f"seed={split}", *(["training.epochs=2"] if smoke else [])]
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's MLP says that 200 epochs were too few
        prepared = train(load_config(config, overrides).experiment)
        ours = evaluate_parts(prepared).scores["test"]
        keys = {"RMSE": -ours["rmse"]} if "rmse" in ours else {"accuracy": ours["accuracy"], "NLL": -ours["nll"]}
        return Result(name, split, {"recipe": keys} | rivals(prepared.dataset, split))


def train(experiment: Experiment) -> PreparedExperiment:
    """Train as `dropout train` does, without a run folder; the learner then has the weights that count."""
    prepared = prepare(experiment)
    selection, best = prepared.selection, None
    assert selection is not None
    with thread_limit(prepared.experiment):
        for event in loop.train_epochs(prepared.learner, prepared.dataset, prepared.experiment, prepared.task):
            if isinstance(event, loop.EpochRecord):
                if selection.update(event.epoch, event.metrics):
                    best = Snapshot.take(prepared.learner, selection)
                if selection.exhausted:
                    break
    if prepared.experiment.training.evaluate == "best" and best is not None:
        best.restore(prepared.learner)
    return prepared


def rivals(dataset: Dataset, seed: int) -> dict[str, dict[str, float]]:
    """Return the scores of the other models."""
    x, y = (np.concatenate(both) for both in zip(_inputs(dataset, "train"), _inputs(dataset, "val"), strict=True))
    test_x, test_y = _inputs(dataset, "test")
    if dataset.targets is not None:
        return _regressions(x, y.ravel(), test_x, test_y.ravel(), seed)
    return _classifications(x, y, test_x, test_y, len(dataset.classes), seed)


def _inputs(dataset: Dataset, name: str) -> tuple[Array, Array]:
    """Return the encoded and scaled inputs of a part, and its labels."""
    part = dataset.part(name)
    assert part is not None
    x, _ = BatchReader(dataset, part, len(part)).take(slice(None))
    return x, part.labels


def _fitted(model: Any, x: Array, y: Array) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), model).fit(x, y)


def _classifications(
    x: Array, y: Array, test_x: Array, test_y: Array, classes: int, seed: int
) -> dict[str, dict[str, float]]:
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    models = (
        DummyClassifier(strategy="prior"),
        MLPClassifier(hidden_layer_sizes=(64, 64), random_state=seed),
        LogisticRegression(max_iter=1000),
        HistGradientBoostingClassifier(random_state=seed),
    )
    scores = {}
    for name, model in zip(RIVALS, models, strict=True):
        fitted = _fitted(model, x, y)
        probabilities = np.zeros((len(test_x), classes))
        probabilities[:, fitted[-1].classes_] = fitted.predict_proba(test_x)
        right = np.clip(probabilities[np.arange(len(test_y)), test_y], MIN_PROBABILITY, 1)
        accuracy = float((probabilities.argmax(axis=1) == test_y).mean())
        scores[name] = {"accuracy": accuracy, "NLL": float(np.log(right).mean())}
    return scores


def _regressions(x: Array, y: Array, test_x: Array, test_y: Array, seed: int) -> dict[str, dict[str, float]]:
    from sklearn.dummy import DummyRegressor
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import Ridge
    from sklearn.neural_network import MLPRegressor

    models = (
        DummyRegressor(),
        MLPRegressor(hidden_layer_sizes=(64, 64), random_state=seed),
        Ridge(),
        HistGradientBoostingRegressor(random_state=seed),
    )
    mean, sd = y.mean(), y.std()
    scores = {}
    for name, model in zip(RIVALS, models, strict=True):
        errors = _fitted(model, x, (y - mean) / sd).predict(test_x) * sd + mean - test_y
        scores[name] = {"RMSE": -math.sqrt(np.square(errors).mean())}
    return scores


def judge(bars: Bars, results: list[Result]) -> None:
    """Print the scores of each task beside the bar of the dummy, then the pooled differences from the MLP."""
    standardized: dict[str, list[Array]] = {"accuracy": [], "NLL": [], "RMSE": []}
    for task in dict.fromkeys(result.task for result in results):
        some = [result.scores for result in results if result.task == task]
        for score in some[0]["recipe"]:
            values = {model: np.array([one[model][score] for one in some]) for model in ("recipe", *RIVALS)}
            low, high = t_interval(list(values["recipe"] - values["dummy"]))
            sd = math.sqrt((values["recipe"].var(ddof=1) + values["MLP"].var(ddof=1)) / 2)
            differences = (values["recipe"] - values["MLP"]) / (sd or 1.0)
            standardized[score].append(differences)
            means = ", ".join(f"{model} {abs(found.mean()):.3f}" for model, found in values.items())
            what = f"{task}: {score}: {means}; from the MLP {differences.mean():+.2f} sd; from the dummy "
            what += f"{low:+.3f} to {high:+.3f}, upper end"
            bars.at_least(what, high, 0, f"dropout config init --data ({len(some)} splits)")
    primary = [*standardized["accuracy"], *standardized["RMSE"]]
    for name, found in (("accuracy and RMSE", primary), ("NLL", standardized["NLL"])):
        mean, low, high = pooled(found)
        what = f"{name}: mean difference from the MLP {mean:+.2f} sd"
        new_splits = f"{low:+.2f} to {high:+.2f} for new splits of these tables"
        bars.at_least(f"{what} ({new_splits}), lower end", low, -0.25, "dropout config init --data")
        if found is primary and len(found) > 1:
            low, high = t_interval([float(one.mean()) for one in found])
            new_tasks = f"{low:+.2f} to {high:+.2f} with the {len(found)} tasks as a sample"
            bars.at_least(f"{what} ({new_tasks}), lower end", low, -0.25, "dropout config init --data")


def pooled(tasks: list[Array]) -> tuple[float, float, float]:
    """Return the mean over all tasks, and its 95 % interval for new splits.

    Args:
        tasks: standardized differences of each task, one per split.
    """
    from scipy.stats import t

    count = len(tasks[0])
    mean = float(np.mean(tasks))
    variance = sum(float(one.var(ddof=1)) for one in tasks) * (1 / count + TEST_RATIO) / len(tasks) ** 2
    half = float(t.ppf(0.975, len(tasks) * (count - 1))) * math.sqrt(variance)
    return mean, mean - half, mean + half


if __name__ == "__main__":
    judged = Bars("starter_recipes", splits=SPLITS)
    with tempfile.TemporaryDirectory() as made:
        tasks = dict(configs(Path(made), judged.smoke))
        # The longest first, so that both processes end at about the same time.
        jobs = [(name, path, split, judged.smoke) for name, path in tasks.items() for split in range(judged.splits)]
        jobs.sort(key=lambda job: job[0] != "power-plant")
        with ProcessPoolExecutor(2) as pool:
            measured = sorted(pool.map(measure, jobs), key=lambda result: ([*tasks].index(result.task), result.split))
    judge(judged, measured)
    judged.end()

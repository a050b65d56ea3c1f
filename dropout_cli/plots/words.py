"""Metrics and keys in words, for labels and titles of figures."""

from dropout_cli.metrics import larger_is_better, metric_name, metric_part

PART_NAMES = {"train": "training", "val": "validation", "test": "test"}
CAPITALS = {
    "rmse": "RMSE",
    "mse": "MSE",
    "mae": "MAE",
    "nll": "NLL",
    "nll_gaussian": "Gaussian NLL",
    "nll_log_mean_exp": "log-mean-exp NLL",
    "ece": "ECE",
    "r2": "R2",
    "macro_f1": "macro F1",
}


def metric_words(metric: str) -> str:
    """Return a metric in words: `test accuracy` for `test.accuracy`."""
    part, number = metric_part(metric), metric_name(metric)
    return f"{PART_NAMES.get(part, part)} {number_words(number)}"


def number_words(number: str) -> str:
    """Return the name of a metric without its part in words: `macro F1` for `macro_f1`."""
    return CAPITALS.get(number, number.replace("_", " "))


def better_side(number: str) -> str:
    """Return which values of a metric are better, as the end of a label of an axis."""
    if number in ("loss", "error"):
        return "(lower is better)"
    return "(higher is better)" if larger_is_better(number) else "(lower is better)"


def key_words(key: str) -> str:
    """Return a key of a config in words: `learning rate` for `training.optimizer.learning_rate`."""
    if key == "dropout.rate":
        return "dropout rate"
    return key.rpartition(".")[2].replace("_", " ")

"""Parameters of the estimators as an experiment: scikit-learn's names for the keys of a config."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from dropout_cli.architectures import ARCHITECTURES, Architecture
from dropout_cli.config import Experiment, GivenValue, Training, build_from_values
from dropout_cli.core.field_types import Count, CountOrZero, Fraction
from dropout_cli.core.registry import Choice
from dropout_cli.data.dataset import Dataset
from dropout_cli.data.in_memory import ArraysInMemory
from dropout_cli.objectives import Objective
from dropout_cli.variants import VARIANTS, Variant

AUTO_BATCH = 200
"""Examples per step with `batch_size="auto"`, as in scikit-learn; all examples if there are fewer."""
SAME_ACTIVATION = {"logistic": "sigmoid"}
"""Names of scikit-learn for activations that have another name here."""
KEYS = {
    "activation": "architecture.activation",
    "solver": "training.optimizer.name",
    "alpha": "training.l2",
    "batch_size": "training.batch_size",
    "learning_rate_init": "training.optimizer.learning_rate",
    "max_iter": "training.epochs",
    "tol": "training.early_stopping.min_delta",
    "n_iter_no_change": "training.early_stopping.patience",
    "early_stopping": "early_stopping",
    "validation_fraction": "validation_fraction",
    "warm_start": "warm_start",
    "variant": "dropout.variant",
    "rate": "dropout.rate",
    "input_rate": "dropout.input_rate",
    "mc_samples": "mc_samples",
}
"""Parameter -> key. Those with the value None are left to the variant."""


@dataclass(frozen=True, kw_only=True)
class EstimatorSettings:
    """The parameters of an estimator after validation."""

    architecture: Annotated[Architecture, Choice(ARCHITECTURES)]
    dropout: Annotated[Variant, Choice(VARIANTS)]
    training: Training
    """`l2` holds `alpha` and `early_stopping` the rule to stop by, whatever it monitors."""
    seed: CountOrZero
    early_stopping: bool
    validation_fraction: Fraction
    warm_start: bool
    mc_samples: Count

    @classmethod
    def from_params(cls, params: Mapping[str, Any], seed: int, owner: str) -> "EstimatorSettings":
        """Validate the parameters of an estimator.

        Args:
            params: The parameters by name, as `get_params` returns them.
            seed: The seed that `random_state` stands for.
            owner: The name of the estimator's class.

        Raises:
            ConfigError: With all mistakes.
        """
        settings: EstimatorSettings = build_from_values(cls, _given_values(params, seed), owner)
        return settings

    @property
    def source(self) -> ArraysInMemory:
        """The split of the examples: a validation part only for early stopping."""
        return ArraysInMemory(
            val_fraction=self.validation_fraction if self.early_stopping else 0.0, split_seed=self.seed % 2**32
        )

    @property
    def batch_size(self) -> int:
        """The most examples per step."""
        return AUTO_BATCH if self.training.batch_size == "auto" else self.training.batch_size

    def experiment(self, objective: Objective, dataset: Dataset, *, total_weight: float) -> Experiment:
        """Return the experiment for some examples.

        Args:
            objective: The training loss.
            dataset: The examples.
            total_weight: Sum of the weights of the training examples; their number without weights.
        """
        batch = min(self.batch_size, len(dataset.train))
        # The penalty of scikit-learn is alpha / 2 |W|^2, divided by the examples of a batch.
        l2 = self.training.l2 / (2 * batch * total_weight / len(dataset.train))
        stopping = self.training.early_stopping if self.early_stopping else None
        return Experiment(
            dataset=self.source,
            architecture=self.architecture,
            dropout=self.dropout,
            objective=objective,
            training=replace(self.training, batch_size=batch, l2=l2, early_stopping=stopping),
            seed=self.seed,
        )


def _given_values(params: Mapping[str, Any], seed: int) -> Iterator[GivenValue]:
    """Yield the keys of the parameters that are set."""
    sizes = params["hidden_layer_sizes"]
    yield GivenValue("architecture.name", "mlp", "architecture")
    yield GivenValue("architecture.hidden", sizes if hasattr(sizes, "__len__") else (sizes,), "hidden_layer_sizes")
    yield GivenValue("seed", seed, "random_state")
    for name, key in KEYS.items():
        value = params[name]
        if name == "activation" and isinstance(value, str):
            value = SAME_ACTIVATION.get(value, value)
        if name == "n_iter_no_change" and value == math.inf:  # scikit-learn's way to never stop
            value = int(params["max_iter"])
        if value is not None or name not in ("rate", "input_rate"):
            yield GivenValue(key, value, name)
    for key, value in dict(params["variant_params"] or {}).items():
        yield GivenValue(f"dropout.{key}", value, f"variant_params[{key!r}]")

"""Keys of an experiment's YAML as frozen dataclasses: types, bounds, defaults, meanings.

A block without a class here is a choice: its keys are the fields of the class that its `name` (for dropout, `variant`)
selects from a registry.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

from annotated_types import Ge, Le, MinLen

from dropout_cli.architectures import ARCHITECTURES, Architecture
from dropout_cli.core.errors import InvalidField, Problem
from dropout_cli.core.field_types import Count, CountOrZero, Fraction, NonNegative, PathField, Positive
from dropout_cli.core.registry import Choice, Registry
from dropout_cli.core.types import Shape
from dropout_cli.data.base import DATASETS, Source
from dropout_cli.metrics import comparable_metrics
from dropout_cli.nn.optim.lr_schedules import SCHEDULES, LearningRateSchedule
from dropout_cli.nn.optim.optimizers import OPTIMIZERS, Optimizer
from dropout_cli.objectives import OBJECTIVES, Objective
from dropout_cli.variants import VARIANTS, Variant

VALIDATION = "Set dataset.val_fraction, or leave the key out."
T = TypeVar("T")

PassCount: TypeAlias = Annotated[int, Ge(1), Le(1000)]
"""A number of Monte Carlo passes."""

if TYPE_CHECKING:
    Monitor: TypeAlias = str
else:
    Monitor = Literal[("auto", "val_loss", *(f"val_{name}" for name in comparable_metrics()))]
    """"""


def _default_factory(registry: Registry[T], name: str) -> Callable[[], T]:
    """Return a factory of the default instance; the registry is imported only when called."""
    return lambda: registry[name]()


@dataclass(frozen=True, kw_only=True)
class Average:
    """Averaged weights, used for validation, the best epoch and the final metrics."""

    decay: Fraction = 0.999
    """Weight of the previous average at each step; the current weights and normalization state make up the rest."""


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Training ends when the monitored metric has stopped improving."""

    patience: Count = 10
    """Number of epochs in a row without improvement before training stops."""
    min_delta: NonNegative = 0.0
    """Smallest improvement of the monitored metric that counts."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """Training settings: optimization, regularization, and the weights used in the end."""

    epochs: Count = 60
    """Number of passes over the training examples."""
    batch_size: Literal["auto"] | Count = "auto"
    """Examples per step; the last batch of an epoch may be smaller. auto: 64, or all training examples if there are
    fewer. With batch normalization, a last batch of one example is added to the batch before it."""
    optimizer: Annotated[Optimizer, Choice(OPTIMIZERS)] = field(default_factory=_default_factory(OPTIMIZERS, "adam"))
    """The update rule."""
    schedule: Annotated[LearningRateSchedule, Choice(SCHEDULES)] = field(
        default_factory=_default_factory(SCHEDULES, "constant")
    )
    """How the learning rate changes during training, step by step."""
    l1: NonNegative = 0.0
    """Coefficient of the sum of absolute weights, added to the training objective."""
    l2: NonNegative = 0.0
    """Coefficient of the sum of squared weights, added to the training objective."""
    weight_decay: NonNegative = 0.0
    """Decoupled weight decay: before each step, the weights shrink by learning rate x this value."""
    max_norm: Positive | None = None
    """Upper bound of the Euclidean norm of the weights into one unit. null: no limit."""
    clip_norm: Positive | None = None
    """Upper bound of the Euclidean norm of the whole gradient. null: no limit."""
    average: Average | None = None
    """Exponential moving average of the weights, used instead of the weights. null: not used."""
    early_stopping: EarlyStopping | None = None
    """When to stop before the last epoch. null: never."""
    monitor: Monitor = "auto"
    """Metric that selects the best epoch and stops early: val_loss, or val_ and a metric of the task. auto:
    val_accuracy, or val_rmse for regression."""
    evaluate: Literal["auto", "last", "best"] = "auto"
    """Epoch whose weights the final metrics use. auto: best with early stopping, otherwise last."""
    evaluation_batch: Count = 1000
    """Examples per forward pass in evaluation."""
    steps_per_epoch: Count | None = None
    """Steps per epoch. null: as many as needed to see every training example once."""
    save_every: Literal["auto", "every_epoch"] | Positive = "auto"
    """Shortest time in seconds between two saves of the state, at ends of epochs. auto: 5 seconds."""
    threads: Literal["auto"] | Count = "auto"
    """Number of compute threads. auto: one per core for very large layers and for feature maps, otherwise 1."""
    init_from: Annotated[str, PathField()] | None = None
    """Folder of a run. Training starts from its weights, for parameters of the same name and shape. null: new
    weights."""
    mc_passes: PassCount | Annotated[tuple[PassCount, ...], MinLen(1)] | None = None
    """Numbers of Monte Carlo passes for which the validation and the test part are also scored at the end of training,
    as `eval --mc` does it. null: none."""
    tensorboard: bool = False
    """True: write the metrics of each epoch for TensorBoard while the run trains. The package tensorboard is needed."""

    @property
    def mc_counts(self) -> tuple[int, ...]:
        """The numbers of `mc_passes`, each once and from small to large."""
        counts = self.mc_passes or ()
        return tuple(sorted(set(counts))) if isinstance(counts, tuple) else (counts,)

    def __post_init__(self) -> None:
        """Raise InvalidField if settings contradict each other."""
        own_decay = self.optimizer.decoupled_decay
        if self.weight_decay and own_decay:
            name = OPTIMIZERS.name_of(type(self.optimizer))
            fact = f"the optimizer {name} also sets weight_decay ({own_decay:g})"
            raise InvalidField("weight_decay", fact, "Set one of the two to 0")


StreamName: TypeAlias = Literal["init", "order", "noise", "augment"]
"""Name of a random stream of the training that can have a seed of its own."""


@dataclass(frozen=True, kw_only=True)
class StreamSeeds:
    """Seeds of single random streams of the training; a stream without its own seed uses the key `seed`."""

    init: CountOrZero | None = None
    """Seed of the initial weights. null: the key `seed`."""
    order: CountOrZero | None = None
    """Seed of the batch order. null: the key `seed`."""
    noise: CountOrZero | None = None
    """Seed of all noise of the training: dropout, input noise and hidden noise. null: the key `seed`."""
    augment: CountOrZero | None = None
    """Seed of the random changes of training images, see dataset.augment. null: the key `seed`."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One training run: dataset, network, dropout variant, objective and training."""

    dataset: Annotated[Source, Choice(DATASETS)]
    """The examples, how they are split, and how they are scaled."""
    architecture: Annotated[Architecture, Choice(ARCHITECTURES)] = field(
        default_factory=_default_factory(ARCHITECTURES, "mlp")
    )
    """The network."""
    dropout: Annotated[Variant, Choice(VARIANTS)] = field(default_factory=_default_factory(VARIANTS, "none"))
    """The dropout variant (default: none)."""
    objective: Annotated[Objective, Choice(OBJECTIVES)] = field(
        default_factory=_default_factory(OBJECTIVES, "cross_entropy")
    )
    """The function that training minimizes."""
    training: Training = field(default_factory=Training)
    """The training loop."""
    seed: CountOrZero = 0
    """Seed of the initial weights, the batch order and the noise. The split has its own seed."""
    streams: StreamSeeds = field(default_factory=StreamSeeds)
    """Seeds of single random streams, where they differ from the key `seed`."""
    yardstick: Literal["auto", "none"] = "auto"
    """Simple models to compare the network with. auto: for classes, the most common class and logistic regression, or
    ridge regression where that is too slow; for a regression, the mean and ridge regression. A linear model that is
    slow compared with the run is left out. none: no simple models. The network does not depend on this key."""

    def __post_init__(self) -> None:
        """Raise InvalidField, with all problems, if the parts do not match."""
        problems = list(self._mismatches())
        if problems:
            raise InvalidField.of(problems)

    def stream_seed(self, name: StreamName) -> int:
        """Return the seed of a random stream of the training.

        Args:
            name: The stream.
        """
        own: int | None = getattr(self.streams, name)
        return self.seed if own is None else own

    def incompatibilities(self, shape: Shape) -> Iterator[Problem]:
        """Yield each setting that cannot work with this shape of example, with its dotted key."""
        try:
            self.architecture.check_shape(shape)
        except InvalidField as error:
            yield from error.within("architecture")
        try:
            if self.dataset.augment is not None:
                self.dataset.augment.check_shape(shape)
        except InvalidField as error:
            yield from error.within("dataset.augment")

    def ineffective_settings(self) -> Iterator[Problem]:
        """Yield each setting that would have no effect in training, with its dotted key.

        Finished runs of older versions may have such a config; they stay readable.
        """
        try:
            self.objective.check(self.dropout, other_noise=self.architecture.adds_noise)
        except ValueError as error:
            yield Problem("objective", str(error))
        if any(self.dropout.rates()) and self.dropout.is_silent():
            fact = "sets the rate to 0 in every training step"
            yield Problem("dropout.rate_schedule", fact, "Use another schedule, or variant: none")
        size, least = self.training.batch_size, self.architecture.smallest_batch
        if size != "auto" and size < least:
            yield Problem("training.batch_size", batch_norm_reason(size))

    def _mismatches(self) -> Iterator[Problem]:
        """Yield each pair of settings that contradict each other."""
        try:
            self.architecture.check_variant(self.dropout)
        except InvalidField as error:
            yield from error.within("dropout")
        except ValueError as error:  # a variant of another package may raise a plain one
            yield Problem("dropout", str(error))
        shape = type(self.dataset).info.shape
        if shape is not None:
            yield from self.incompatibilities(shape)
        # Known before reading only for built-in datasets; 0 is a regression.
        if type(self.dataset).info.classes and self.objective.task == "regression":
            yield Problem("objective", "is for regression, but this dataset has classes", "Use cross_entropy")
        # Data of your own may divide themselves, which is known only after reading.
        if shape is not None and not (self.dataset.val_fraction or self.dataset.val_last):
            yield from self.settings_without_validation()

    def settings_without_validation(self) -> Iterator[Problem]:
        """Yield each setting that needs a validation part, for data that have none."""
        needs_validation: dict[str, Any] = {
            "early_stopping": self.training.early_stopping is not None,
            "monitor": self.training.monitor != "auto",
            "evaluate": self.training.evaluate == "best",
        }
        for name in (name for name, is_set in needs_validation.items() if is_set):
            yield Problem(f"training.{name}", "needs a validation part, but dataset.val_fraction is 0", VALIDATION)


def batch_norm_reason(size: int) -> str:
    """Return why batches of this size are too small for batch normalization."""
    return (
        f"{size}, but batch normalization needs at least 2 examples per batch. "
        "Use 2 or more, or architecture.batch_norm: false"
    )

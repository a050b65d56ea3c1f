"""The keys of an experiment's YAML, as frozen dataclasses: types, bounds, defaults and what they mean.

A block without a class of its own here is a choice: its keys are the fields of the class that its `name`
(for dropout, `variant`) picks from a registry.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

from dropout_cli.architectures import ARCHITECTURES, Architecture
from dropout_cli.core.errors import InvalidField, Problem
from dropout_cli.core.fields import Count, CountOrZero, Fraction, NonNegative, PathField, Positive
from dropout_cli.core.registry import Choice, Registry
from dropout_cli.core.types import Shape
from dropout_cli.data.base import DATASETS, Source
from dropout_cli.metrics import directed
from dropout_cli.nn.optim.lr_schedules import SCHEDULES, Schedule
from dropout_cli.nn.optim.optimizers import OPTIMIZERS, Optimizer
from dropout_cli.objectives import OBJECTIVES, Objective
from dropout_cli.variants import VARIANTS, Variant

T = TypeVar("T")

if TYPE_CHECKING:
    Monitor: TypeAlias = str
else:
    Monitor = Literal[("auto", "val_loss", *(f"val_{name}" for name in directed()))]
    """The values of `training.monitor`: every registered metric that has a direction."""


def _default(registry: Registry[T], name: str) -> Callable[[], T]:
    """Makes the class of that name with its own defaults, and looks it up only then."""
    return lambda: registry[name]()


@dataclass(frozen=True, kw_only=True)
class Average:
    """Averaged weights: validation, the best epoch and the final numbers then use the average."""

    decay: Fraction = 0.999
    """The share of the average that stays at each step; the current weights and normalization state give the rest."""


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Training ends when the monitored number has stopped improving."""

    patience: Count = 10
    """How many epochs in a row may bring no improvement."""
    min_delta: NonNegative = 0.0
    """A smaller improvement of the monitored number does not count."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How the network is trained, and which of its weights count in the end."""

    epochs: Count = 60
    """Passes over the training examples."""
    batch_size: Literal["auto"] | Count = "auto"
    """Examples per step, the last batch of an epoch may be smaller; auto: 64, or all training examples where they are
    fewer. With batch normalization a last batch of one joins the batch before it."""
    optimizer: Annotated[Optimizer, Choice(OPTIMIZERS)] = field(default_factory=_default(OPTIMIZERS, "adam"))
    """The update rule."""
    schedule: Annotated[Schedule, Choice(SCHEDULES)] = field(default_factory=_default(SCHEDULES, "constant"))
    """The learning rate over training, per step."""
    l1: NonNegative = 0.0
    """Times the sum of the weights' magnitudes, added to the training objective."""
    l2: NonNegative = 0.0
    """Times the sum of the squared weights, added to the training objective."""
    weight_decay: NonNegative = 0.0
    """Decoupled from the gradient: before each step weights shrink by this times the learning rate."""
    max_norm: Positive | None = None
    """The most that the Euclidean norm of the weights into one unit may be; null: no limit."""
    clip_norm: Positive | None = None
    """The most that the Euclidean norm of the whole gradient may be; null: no limit."""
    average: Average | None = None
    """An exponential moving average of the weights, used in their place; null: none."""
    early_stopping: EarlyStopping | None = None
    """When to stop before the last epoch; null: never."""
    monitor: Monitor = "auto"
    """The number that chooses the best epoch and stops early: val_loss, or a metric of the task after val_;
    auto: val_accuracy, of a regression val_rmse."""
    evaluate: Literal["auto", "last", "best"] = "auto"
    """Which epoch's weights the final numbers use; auto: best with early stopping, else last."""
    evaluation_batch: Count = 1000
    """Examples per forward pass in evaluation."""
    steps_per_epoch: Count | None = None
    """Steps after which an epoch ends; null: when every training example has been seen once."""
    save_every: Literal["auto", "every_epoch"] | Positive = "auto"
    """Seconds between two saves of the state, at the end of an epoch; auto: 5 seconds."""
    threads: Literal["auto"] | Count = "auto"
    """Threads that compute; auto: 1 for a small network, else one per core."""
    init_from: Annotated[str, PathField()] | None = None
    """The folder of a run whose weights to start from, where names and shapes are the same; null: fresh weights."""

    def __post_init__(self) -> None:
        """Raise InvalidField for settings that contradict each other."""
        twice = self.optimizer.decoupled_decay
        if self.weight_decay and twice:
            name = OPTIMIZERS.name_of(type(self.optimizer))
            fact = f"{name} has a weight_decay of its own ({twice:g})"
            raise InvalidField("weight_decay", fact, "Set one of the two to 0")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One training run: what is learned, by which network, with which dropout, and how."""

    dataset: Annotated[Source, Choice(DATASETS)]
    """The examples, their split and their scaling."""
    architecture: Annotated[Architecture, Choice(ARCHITECTURES)] = field(default_factory=_default(ARCHITECTURES, "mlp"))
    """The network."""
    dropout: Annotated[Variant, Choice(VARIANTS)] = field(default_factory=_default(VARIANTS, "none"))
    """The dropout variant; one that is not written is none."""
    objective: Annotated[Objective, Choice(OBJECTIVES)] = field(default_factory=_default(OBJECTIVES, "cross_entropy"))
    """What training minimizes."""
    training: Training = field(default_factory=Training)
    """The training loop."""
    seed: CountOrZero = 0
    """Fixes initial weights, batch order and noise; the split has a seed of its own."""
    yardstick: Literal["auto", "none"] = "auto"
    """Simple models whose numbers stand beside the network's: auto, the largest class or the mean, and a linear model
    where it costs little beside the run; none leaves them out. It changes nothing of the network."""

    def __post_init__(self) -> None:
        """Raise InvalidField, with all problems, where the parts do not fit each other."""
        problems = list(self._misfits())
        if problems:
            raise InvalidField.of(problems)

    def misfits_of(self, shape: Shape) -> Iterator[Problem]:
        """Yield what cannot work on examples of that shape, each with its dotted key."""
        try:
            self.architecture.fits(shape)
        except InvalidField as error:
            yield from error.within("architecture")
        try:
            if self.dataset.augment is not None:
                self.dataset.augment.fits(shape)
        except InvalidField as error:
            yield from error.within("dataset.augment")

    def refusals(self) -> Iterator[Problem]:
        """Yield each setting that would have no effect in training, with its dotted key.

        Finished runs of older versions may have such a config; they stay readable.
        """
        try:
            self.objective.check(self.dropout, other_noise=self.architecture.adds_noise)
        except ValueError as error:
            yield Problem("objective", str(error))
        if any(self.dropout.rates()) and self.dropout.silent():
            fact = "makes the rate 0 at every step of training"
            yield Problem("dropout.rate_schedule", fact, "Use another, or variant: none")
        size, least = self.training.batch_size, self.architecture.smallest_batch
        if size != "auto" and size < least:
            yield Problem("training.batch_size", few_for_normalization(size))

    def _misfits(self) -> Iterator[Problem]:
        try:
            self.architecture.check(self.dropout)
        except InvalidField as error:
            yield from error.within("dropout")
        except ValueError as error:  # a variant of another package may raise nothing more special
            yield Problem("dropout", str(error))
        shape = type(self.dataset).facts.shape
        if shape is not None:
            yield from self.misfits_of(shape)
        if type(self.dataset).facts.classes and self.objective.predicts == "quantities":
            yield Problem("objective", "predicts quantities, and this dataset has classes", "Use cross_entropy")
        if self.dataset.val_fraction:
            return
        asked: dict[str, Any] = {
            "early_stopping": self.training.early_stopping is not None,
            "monitor": self.training.monitor != "auto",
            "evaluate": self.training.evaluate == "best",
        }
        for name in (name for name, wanted in asked.items() if wanted):
            yield Problem(f"training.{name}", "needs examples to validate on, and dataset.val_fraction is 0")


def few_for_normalization(size: int) -> str:
    """Say why batches of that size are too small for batch normalization."""
    return (
        f"{size}, and batch normalization needs 2 examples or more: normalized by itself, one is all 0. "
        "Use 2 or more, or architecture.batch_norm: false"
    )

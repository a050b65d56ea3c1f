"""The base of dropout variants: frozen configuration that builds a layer for each location of a network.

A variant holds no arrays. It builds layers, and those own masks, learned rates and gradients. It is
asked for a unit (linear map, what lies between, activation) and not for a layer to append, because
variants differ in what they touch: an activation, the weights, the pre-activation together with the
activation, or the kept units of the neighbour below (`location.previous`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from dropout_cli.core.errors import InvalidField
from dropout_cli.core.field_types import Rates, describe_fields
from dropout_cli.core.registry import Registry
from dropout_cli.core.renamed import ReportsRenamed
from dropout_cli.core.text import counted
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.residual import Residual
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.variants.toolkit.rate_schedules import ConstantRate, RateSchedule

VARIANTS: Registry["Variant"] = Registry(
    "variant", package="dropout_cli.variants", tag="variant", plugins="dropout_cli.variants"
)


MANY_STEPS = 1_000_000
"""The number of steps that is assumed while the true one is not known."""

Supports: TypeAlias = Literal["vectors", "maps", "either", "blocks"]
Kind: TypeAlias = Literal["input", "hidden", "map", "block", "output"]


@dataclass(frozen=True, kw_only=True)
class Location(ReportsRenamed):
    """Location of a unit in the network, and the facts of the training that a variant may use."""

    RENAMED: ClassVar[Mapping[str, str]] = {"upstream": "previous"}

    path: str
    """`input`, `hidden1`, `conv1`, ..., `output`: the name of the unit, and so of its parameters and noise."""
    kind: Kind
    index: int
    """From 0 among the locations of that kind; maps and dense hidden layers count as one kind."""
    count: int
    """How many locations of that kind there are."""
    fan_in: int
    """The width of what enters; at the input, of the input itself."""
    examples: int
    """The number of training examples, for penalties that are divided by it."""
    steps: int
    """All planned training steps."""
    steps_per_epoch: int = 1
    """Training steps in an epoch."""
    learning_rate: float = 1e-3
    """The optimizer's, before its schedule."""
    normalized: bool = True
    """Whether the optimizer's steps are about as long as the learning rate, whatever the gradient (Adam, RMSprop)."""
    seed: int = 0
    """The run's seed, for draws at evaluation."""
    targets: int = 1
    """How many quantities the loss is a mean over; 1 for classes, whose loss is one number for each example."""
    squared: bool = False
    """Whether the loss is a squared error, which is a likelihood only once the precision of the noise is stated."""
    previous: Layer | None = None
    """The layer that the variant returned for the location before; None at the first."""


class Variant(ReportsRenamed, ABC):
    """A dropout variant; its dataclass fields are its YAML keys."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        "needs": "supports",
        "before_logits": "noise_before_logits",
        "check": "check_network",
        "silent": "is_silent",
    }

    acts_on: ClassVar[str]
    """Where the noise acts, in a few words."""
    learns: ClassVar[str | None] = None
    """The values that it learns or adapts, in a few words; None where it learns none."""
    paper: ClassVar[str] = "-"
    """Author, year, identifier."""
    supports: ClassVar[Supports] = "vectors"
    """Dense hidden layers alone, feature maps, dense layers and maps alike, or residual blocks: where it can act."""
    per_example: ClassVar[bool] = True
    """Whether every example of a batch draws noise of its own."""
    assumes_standardized: ClassVar[bool] = False
    """Whether it is made for inputs of mean 0 and variance 1."""
    suited_activation: ClassVar[str] = "relu"
    """An activation that it works with, for examples."""

    def input(self, location: Location) -> Layer | None:
        """The noise on the network's own input, or None for no layer there."""
        return None

    @abstractmethod
    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """The hidden unit: `linear`, then `between` (normalization, additive noise), then `activation`."""

    def map(self, location: Location) -> Layer | None:
        """The noise on the feature maps at the end of a stage, or None for no layer there."""
        return None

    def block(self, branch: Layer, skip: Layer | None, location: Location) -> Layer:
        """The residual block that adds `branch` to `skip`, or to its own input where that is None."""
        return Residual(location.path, branch, skip)

    def output(self, linear: Dense, location: Location) -> Layer:
        """The unit that makes the logits."""
        return linear

    def noise_before_logits(self) -> bool:
        """Whether noise acts on what the logits are computed from, or in that computation."""
        return True

    def rates(self) -> tuple[float, ...]:
        """The probabilities of dropping in its config; none where it has none, or learns them."""
        return ()

    @classmethod
    def takes_rate(cls) -> bool:
        """Return whether its key `rate` says how much is dropped, from the first step to the last."""
        return cls.learns is None and any(key["name"] == "rate" for key in describe_fields(cls))

    def with_rate(self, rate: float) -> "Variant | None":
        """Return this variant with that rate at every step; None where it takes none.

        Args:
            rate: Probability of dropping, for all locations.
        """
        if not self.takes_rate():
            return None
        make: Callable[..., Variant] = type(self)
        values = {key["name"]: getattr(self, key["name"]) for key in describe_fields(type(self))} | {"rate": rate}
        # A schedule would put another rate in force than the one that is asked for.
        return make(**values | ({"rate_schedule": ConstantRate()} if "rate_schedule" in values else {}))

    def schedule(self) -> RateSchedule:
        """How the rates move over training."""
        return ConstantRate()

    def is_silent(self, steps: int = MANY_STEPS) -> bool:
        """Whether all its rates are 0 at every one of so many steps, so that it draws nothing."""
        rates = self.rates()
        return bool(rates) and not any(self.schedule().largest(rate, steps) for rate in rates)

    def draws_for_every_row(self) -> bool:
        """Whether two copies of an example in one batch see different noise."""
        return self.per_example

    def check_network(self, *, hidden: int, activation: str) -> None:
        """Raise InvalidField where the variant cannot act in a network with so many hidden units."""
        return None

    def precision(self) -> float | None:
        """The precision of the noise that the penalty assumes for a squared error; None without such a penalty."""
        return None

    def report(self, network: Layer, evaluate: Callable[[], tuple[str, float]]) -> dict[str, Any]:
        """Return further entries of `summary.json` about the trained network, JSON-able.

        `evaluate()` is accuracy or rmse, by name, of the test part with the network as it stands when called.
        """
        return {}


def rate_of(rates: Rates, index: int) -> float:
    """The rate of the hidden layer with that index, from one number or a list."""
    return rates[index] if isinstance(rates, tuple) else rates


def all_rates(rates: Rates, *others: float) -> tuple[float, ...]:
    """Return the rates of all hidden layers, and others after them."""
    return (*(rates if isinstance(rates, tuple) else (rates,)), *others)


def check_rate_count(rates: Rates, hidden: int) -> None:
    """Raise InvalidField where a list of rates does not have one for each hidden layer."""
    if isinstance(rates, tuple) and len(rates) != hidden:
        fact = f"lists {counted(len(rates), 'rate')} for {counted(hidden, 'hidden layer')}"
        raise InvalidField("rate", fact, f"Give one number, or {hidden}")


def chain(location: Location, *layers: Layer) -> Sequential:
    """Return the layers in sequence, as the unit of a location."""
    return Sequential(location.path, layers)

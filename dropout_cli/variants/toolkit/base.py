"""The base of dropout variants: frozen configuration that builds the layers of a network.

A variant holds no arrays. It builds layers, and those own masks, learned rates and gradients. A variant builds a whole
unit (linear map, layers between, activation), not only a layer to append, because variants act in different places:
on an activation, on the weights, on the pre-activation together with the activation, or on the kept units of the
previous unit (`location.previous`).
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
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.rate_schedules import ConstantRate, RateSchedule

VARIANTS: Registry["Variant"] = Registry(
    "variant",
    package="dropout_cli.variants",
    tag="variant",
    plugins="dropout_cli.variants",
    unusable=lambda cls: "" if issubclass(cls, Variant) else f"{cls.__name__} is not a subclass of Variant",
)


MANY_STEPS = 1_000_000
"""The number of steps that is assumed while the real number is not known."""

Supports: TypeAlias = Literal["vectors", "maps", "either", "blocks"]
Kind: TypeAlias = Literal["input", "hidden", "map", "block", "output"]


@dataclass(frozen=True, kw_only=True)
class Location(ReportsRenamed):
    """Location of a unit in the network, and facts of the training that a variant may use."""

    RENAMED: ClassVar[Mapping[str, str]] = {"upstream": "previous"}

    path: str
    """The name of the unit, of its parameters and of its noise: `input`, `hidden1`, `conv1`, ..., `output`."""
    kind: Kind
    index: int
    """The index among the locations of this kind, from 0. Maps and dense hidden layers count as one kind."""
    count: int
    """The number of locations of this kind."""
    fan_in: int
    """The width of the input of the unit."""
    examples: int
    """The number of training examples, for penalties that are divided by it."""
    steps: int
    """All planned training steps."""
    steps_per_epoch: int = 1
    """The number of training steps per epoch."""
    learning_rate: float = 1e-3
    """The learning rate of the optimizer, before its schedule."""
    normalized: bool = True
    """True if the steps of the optimizer have about the size of the learning rate (Adam, RMSprop)."""
    seed: int = 0
    """The seed of the run, for draws at evaluation."""
    targets: int = 1
    """The number of targets that the loss is a mean over; 1 for classes."""
    squared: bool = False
    """True if the loss is a squared error, which needs a noise precision to be a likelihood."""
    previous: Layer | None = None
    """The layer that the variant returned for the previous location; None for the first location."""


class Variant(ReportsRenamed, ABC):
    """A dropout variant; its dataclass fields are its YAML keys."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        "needs": "supports",
        "before_logits": "noise_before_logits",
        "check": "check_network",
        "silent": "is_silent",
    }

    acts_on: ClassVar[str]
    """The place where the noise acts, in a few words."""
    learns: ClassVar[str | None] = None
    """The values that it learns or adapts, in a few words. None: it learns nothing."""
    paper: ClassVar[str] = "-"
    """The paper: author, year, identifier."""
    supports: ClassVar[Supports] = "vectors"
    """Where it can act: on dense hidden layers only, on feature maps, on either of them, or on residual blocks."""
    per_example: ClassVar[bool] = True
    """True if each example of a batch has its own noise."""
    assumes_standardized: ClassVar[bool] = False
    """True if it needs inputs with mean 0 and variance 1."""
    example: ClassVar[VariantExample | None] = None
    """The example that `dropout variants NAME` prints. None: no example."""
    suited_activation: ClassVar[str] = "relu"
    """An activation that it works with, used in example configs."""

    def input(self, location: Location) -> Layer | None:
        """Return the noise on the network's input; None: no layer.

        Args:
            location: The location of the input.
        """
        return None

    @abstractmethod
    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, location: Location) -> Layer:
        """Return a dense hidden layer, from its linear map to its activation and noise.

        Args:
            linear: The linear map.
            between: The layers between linear map and activation (normalization, additive noise).
            activation: The activation.
            location: The location of the unit.
        """

    def map(self, location: Location) -> Layer | None:
        """Return the noise on the feature maps at the end of a stage; None: no layer.

        Args:
            location: The location of the stage.
        """
        return None

    def block(self, branch: Layer, skip: Layer | None, location: Location) -> Layer:
        """Return a residual block.

        Args:
            branch: The layers of the branch.
            skip: The layer of the skip; None: the branch is added to the input itself.
            location: The location of the block.
        """
        return Residual(location.path, branch, skip)

    def output(self, linear: Dense, location: Location) -> Layer:
        """Return the output layer, which computes the logits.

        Args:
            linear: The linear map.
            location: The location of the output layer.
        """
        return linear

    def noise_before_logits(self) -> bool:
        """Return True if noise acts on the inputs or the weights of the output layer."""
        return True

    def rates(self) -> tuple[float, ...]:
        """Return the rates of its config; empty if it has no rate, or learns it."""
        return ()

    @classmethod
    def takes_rate(cls) -> bool:
        """Return True if the variant has a key `rate`, and does not learn its rates."""
        return cls.learns is None and any(key["name"] == "rate" for key in describe_fields(cls))

    def with_rate(self, rate: float) -> "Variant | None":
        """Return this variant with a constant rate; None if it takes no rate.

        Args:
            rate: The probability of dropping, for all locations.
        """
        if not self.takes_rate():
            return None
        make: Callable[..., Variant] = type(self)
        values = {key["name"]: getattr(self, key["name"]) for key in describe_fields(type(self))} | {"rate": rate}
        # A schedule would change the requested rate.
        return make(**values | ({"rate_schedule": ConstantRate()} if "rate_schedule" in values else {}))

    def schedule(self) -> RateSchedule:
        """Return the rate schedule."""
        return ConstantRate()

    def is_silent(self, steps: int = MANY_STEPS) -> bool:
        """Return True if all rates are 0 at every step, so that it draws nothing.

        Args:
            steps: The number of training steps.
        """
        rates = self.rates()
        return bool(rates) and not any(self.schedule().largest(rate, steps) for rate in rates)

    def draws_for_every_row(self) -> bool:
        """Return True if two copies of an example in one batch have different noise."""
        return self.per_example

    def check_network(self, *, hidden: int, activation: str) -> None:
        """Raise InvalidField if the variant cannot act in a network.

        Args:
            hidden: The number of hidden locations.
            activation: The name of the hidden activation.
        """
        return None

    def precision(self) -> float | None:
        """Return the key `noise_precision`, which scales a KL penalty beside a squared error.

        Returns:
            tau, 1 / variance of the noise of standardized targets; None for a variant without such a penalty.
        """
        return None

    def report(self, network: Layer, evaluate: Callable[[], tuple[str, float]]) -> dict[str, Any]:
        """Return additional entries of `summary.json` about the trained network.

        Args:
            network: The trained network.
            evaluate: Returns the name and value of the test metric (accuracy or rmse) of the network in its current
                state.

        Returns:
            Key -> value that JSON can hold.
        """
        return {}


def rate_of(rates: Rates, index: int) -> float:
    """Return the rate of one hidden layer, from one number or a list."""
    return rates[index] if isinstance(rates, tuple) else rates


def all_rates(rates: Rates, *others: float) -> tuple[float, ...]:
    """Return the rates of all hidden layers, then the others."""
    return (*(rates if isinstance(rates, tuple) else (rates,)), *others)


def check_rate_count(rates: Rates, hidden: int) -> None:
    """Raise InvalidField if a list of rates does not have one per hidden layer."""
    if isinstance(rates, tuple) and len(rates) != hidden:
        fact = f"has {counted(len(rates), 'rate')}, but the network has {counted(hidden, 'hidden layer')}"
        raise InvalidField("rate", fact, f"Give one number, or a list of {hidden}")


def chain(location: Location, *layers: Layer) -> Sequential:
    """Return the layers in sequence, as the unit of a location."""
    return Sequential(location.path, layers)

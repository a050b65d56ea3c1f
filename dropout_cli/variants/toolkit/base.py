"""What a dropout variant is: a frozen law that the architecture asks for whole units.

A law holds no arrays. It builds layers, and those own masks, learned rates and gradients. It is
asked for a unit (linear map, what lies between, activation) and not for a layer to append, because
variants differ in what they touch: an activation, the weights, the pre-activation together with the
activation, or the kept units of the neighbour below (`place.upstream`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from dropout_cli.core.fields import Rates
from dropout_cli.core.registry import Registry
from dropout_cli.core.text import counted
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.residual import Residual
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.variants.toolkit.rate_schedules import Constant, RateSchedule

VARIANTS: Registry["Variant"] = Registry(
    "variant", package="dropout_cli.variants", tag="variant", plugins="dropout_cli.variants"
)


MANY_STEPS = 1_000_000
"""The number of steps that is assumed while the true one is not known."""

Needs: TypeAlias = Literal["vectors", "maps", "either", "blocks"]
Kind: TypeAlias = Literal["input", "hidden", "map", "block", "output"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in a network a unit stands, and what a law may need to know of the training around it."""

    path: str
    """`input`, `hidden1`, `conv1`, ..., `output`: the name of the unit, and so of its parameters and noise."""
    kind: Kind
    index: int
    """From 0 among the places of that kind; maps and dense hidden layers count as one kind."""
    count: int
    """How many places of that kind there are."""
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
    upstream: Layer | None = None
    """What the law returned for the place before; None at the first."""


class Variant(ABC):
    """The law of one variant's noise; its dataclass fields are its YAML keys."""

    acts_on: ClassVar[str]
    """Where the noise acts, in a few words."""
    learns: ClassVar[str] = "nothing"
    """What it learns or adapts."""
    paper: ClassVar[str] = "-"
    """Author, year, identifier."""
    needs: ClassVar[Needs] = "vectors"
    """What it acts on: dense hidden layers alone, feature maps, dense layers and maps alike, or residual blocks."""
    per_example: ClassVar[bool] = True
    """Whether every example of a batch draws noise of its own."""
    assumes_standardized: ClassVar[bool] = False
    """Whether it is made for inputs of mean 0 and variance 1."""
    suited_activation: ClassVar[str] = "relu"
    """An activation that it works with, for examples."""

    def input(self, place: Place) -> Layer | None:
        """The noise on the network's own input, or None for no layer there."""
        return None

    @abstractmethod
    def unit(self, linear: Dense, between: Sequence[Layer], activation: Layer, place: Place) -> Layer:
        """The hidden unit: `linear`, then `between` (normalization, additive noise), then `activation`."""

    def map(self, place: Place) -> Layer | None:
        """The noise on the feature maps at the end of a stage, or None for no layer there."""
        return None

    def block(self, branch: Layer, skip: Layer | None, place: Place) -> Layer:
        """The residual block that adds `branch` to `skip`, or to its own input where that is None."""
        return Residual(place.path, branch, skip)

    def output(self, linear: Dense, place: Place) -> Layer:
        """The unit that makes the logits."""
        return linear

    def before_logits(self) -> bool:
        """Whether noise acts on what the logits are computed from, or in that computation."""
        return True

    def rates(self) -> tuple[float, ...]:
        """The probabilities of dropping in its config; none where it has none, or learns them."""
        return ()

    def schedule(self) -> RateSchedule:
        """How the rates move over training."""
        return Constant()

    def silent(self, steps: int = MANY_STEPS) -> bool:
        """Whether all its rates are 0 at every one of so many steps, so that it draws nothing."""
        rates = self.rates()
        return bool(rates) and not any(self.schedule().largest(rate, steps) for rate in rates)

    def draws_for_every_row(self) -> bool:
        """Whether two copies of an example in one batch see different noise."""
        return self.per_example

    def check(self, *, hidden: int, activation: str) -> None:
        """Raise ValueError where the law cannot act in a network with so many hidden units."""
        return None

    def precision(self) -> float | None:
        """The precision of the noise that the penalty assumes for a squared error; None without such a penalty."""
        return None

    def report(self, network: Layer, judge: Callable[[], tuple[str, float]]) -> dict[str, Any]:
        """What else `summary.json` should say of the trained network, JSON-able.

        `judge()` is accuracy or rmse, by name, of the test part with the network as it stands when called.
        """
        return {}


def rate_of(rates: Rates, index: int) -> float:
    """The rate of the hidden layer with that index, from one number or a list."""
    return rates[index] if isinstance(rates, tuple) else rates


def all_rates(rates: Rates, *others: float) -> tuple[float, ...]:
    """Return the rates of all hidden layers, and others after them."""
    return (*(rates if isinstance(rates, tuple) else (rates,)), *others)


def one_rate_each(rates: Rates, hidden: int) -> None:
    """Raise ValueError where a list of rates does not have one for each hidden layer."""
    if isinstance(rates, tuple) and len(rates) != hidden:
        fact = f"lists {counted(len(rates), 'rate')} for {counted(hidden, 'hidden layer')}"
        raise ValueError(f"rate: {fact}. Give one number, or {hidden}")


def chain(place: Place, *layers: Layer) -> Sequential:
    """Those layers one after another, as the unit of that place."""
    return Sequential(place.path, layers)

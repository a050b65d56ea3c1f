"""What is measured: a network, a batch and a rule each, in words that every contender understands."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Case:
    """One training step, said without reference to any framework."""

    name: str
    widths: tuple[int, ...] = ()
    """Input, hidden layers (ReLU), classes; empty: the convolutional network of Keras' `mnist_cnn` example."""
    batch: int = 128
    optimizer: str = "momentum"
    """`momentum` (SGD, learning rate .01, momentum .9) or `adam` (learning rate .001)."""
    variant: str = "inverted"
    rate: float = 0.5
    """Of hidden layers."""
    input_rate: float = 0.2
    keys: Mapping[str, Any] = field(default_factory=dict)
    """What else our variant is told."""

    def as_dict(self) -> dict[str, Any]:
        """For a pipe."""
        return asdict(self)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Case":
        """Back from a pipe."""
        return cls(**{**fields, "widths": tuple(fields["widths"])})

    @property
    def images(self) -> bool:
        """Whether the network is convolutional."""
        return not self.widths


SMALL = Case(name="64-128x2-10", widths=(64, 128, 128, 10), batch=64)
MEDIUM = Case(name="784-512x2-10", widths=(784, 512, 512, 10))
LARGE = Case(name="784-1024x3-10", widths=(784, 1024, 1024, 1024, 10))
CNN = Case(name="mnist_cnn", optimizer="adam")


def without_noise(case: Case) -> Case:
    """The same network with no dropout."""
    return replace(case, name=f"{case.name}, none", variant="none", rate=0.0, input_rate=0.0)

"""What is measured: a network, a batch and a rule, in words that every contender understands; and suites of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias

Work: TypeAlias = Literal["step", "evaluate", "monte_carlo"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something done again and again, said without reference to any framework."""

    name: str
    widths: tuple[int, ...] = ()
    """Input, hidden layers (ReLU), classes; empty: the convolutional network of Keras' `mnist_cnn` example."""
    work: Work = "step"
    """A training step; a pass over `batch` examples with noise off; a pass with noise on."""
    batch: int = 128
    optimizer: Literal["momentum", "adam"] = "momentum"
    """SGD with learning rate .001 and momentum .9, or Adam with learning rate .001."""
    variant: str = "inverted"
    rate: float = 0.5
    """Of hidden layers; 0: what the variant has of its own."""
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

    @property
    def threads(self) -> int:
        """What `training.threads: auto` picks for it on this machine."""
        from dropout_cli.nn.backend.threads import suited_to

        if self.images:
            return suited_to(10**9)
        return suited_to(self.batch * max(a * b for a, b in zip(self.widths, self.widths[1:], strict=False)))


SMALL = Case(name="64-128x2-10", widths=(64, 128, 128, 10), batch=64)
MEDIUM = Case(name="784-512x2-10", widths=(784, 512, 512, 10))
LARGE = Case(name="784-1024x3-10", widths=(784, 1024, 1024, 1024, 10))
CNN = Case(name="mnist_cnn", optimizer="adam")


def plain(case: Case) -> Case:
    """The same network without dropout."""
    return replace(case, name=f"{case.name}, none", variant="none", rate=0.0, input_rate=0.0)


def variants() -> tuple[Case, ...]:
    """The largest network with each variant that acts on it, `none` first, at rate .5 where the rate is not learned."""
    from dropout_cli.variants import VARIANTS

    found = [replace(plain(LARGE), name="none")]
    for name, law in VARIANTS:
        if name != "none" and law.supports in ("vectors", "either"):
            rate = 0.5 if law.takes_rate() else 0.0
            found.append(replace(LARGE, name=name, variant=name, rate=rate, input_rate=0.0))
    return tuple(found)


def suite(name: str) -> tuple[Case, ...]:
    """The cases of a suite of steps."""
    if name == "mlp":
        return SMALL, MEDIUM, LARGE, plain(LARGE), replace(LARGE, name=f"{LARGE.name}, batchwise", variant="batchwise")
    if name == "optimizers":
        cases = SMALL, MEDIUM, LARGE, plain(MEDIUM)
        return tuple(replace(case, name=f"{case.name}, adam", optimizer="adam") for case in cases)
    if name == "evaluation":
        whole = replace(MEDIUM, batch=1000, input_rate=0.0)
        noiseless = replace(whole, name="1,000 examples, noise off", work="evaluate")
        return noiseless, replace(whole, name="1,000 examples, noise on", work="monte_carlo")
    return variants() if name == "variants" else (CNN,)


SUITES = ("mlp", "optimizers", "variants", "cnn", "evaluation")

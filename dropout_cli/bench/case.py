"""Benchmark cases, independent of any framework: network, batch size and optimizer."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias

SMALL_PRODUCT = 4_000_000
"""Multiply-adds of the largest matrix product, below which a second thread is not faster on an idle machine."""
Work: TypeAlias = Literal["step", "evaluate", "monte_carlo"]


@dataclass(frozen=True, kw_only=True)
class BenchmarkCase:
    """A unit of work that a competitor repeats, described without any framework."""

    name: str
    widths: tuple[int, ...] = ()
    """Sizes of input, hidden layers (ReLU) and output. Empty: the network of Keras' `mnist_cnn` example."""
    work: Work = "step"
    """A training step, a forward pass without noise, or a forward pass with noise; each with `batch` examples."""
    batch: int = 128
    optimizer: Literal["momentum", "adam"] = "momentum"
    """SGD with learning rate .001 and momentum .9, or Adam with learning rate .001."""
    variant: str = "inverted"
    rate: float = 0.5
    """Dropout rate of the hidden layers; 0: the default of the variant."""
    input_rate: float = 0.2
    keys: Mapping[str, Any] = field(default_factory=dict)
    """Further YAML keys of the variant; other frameworks ignore them."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-compatible values, for a pipe between processes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "BenchmarkCase":
        """Create a case from the result of `as_dict`."""
        return cls(**{**fields, "widths": tuple(fields["widths"])})

    @property
    def is_convolutional(self) -> bool:
        """True if the network is convolutional and takes images."""
        return not self.widths

    @property
    def threads(self) -> int:
        """Number of threads of every competitor: all cores, unless the work is too small for them.

        `training.threads: auto` is more careful, because another program may use the cores during a training.
        """
        from dropout_cli.core.environment import available_cores

        if self.is_convolutional:
            return available_cores()
        largest = self.batch * max(a * b for a, b in zip(self.widths, self.widths[1:], strict=False))
        return available_cores() if largest > SMALL_PRODUCT else 1


SMALL = BenchmarkCase(name="64-128x2-10", widths=(64, 128, 128, 10), batch=64)
MEDIUM = BenchmarkCase(name="784-512x2-10", widths=(784, 512, 512, 10))
LARGE = BenchmarkCase(name="784-1024x3-10", widths=(784, 1024, 1024, 1024, 10))
CNN = BenchmarkCase(name="mnist_cnn", optimizer="adam")


def without_dropout(case: BenchmarkCase) -> BenchmarkCase:
    """Return the same case without dropout."""
    return replace(case, name=f"{case.name}, none", variant="none", rate=0.0, input_rate=0.0)


def variant_cases() -> tuple[BenchmarkCase, ...]:
    """Return the largest network with each variant that supports it, `none` first.

    The rate is .5, or the default of variants that learn their rate.
    """
    from dropout_cli.variants import VARIANTS

    cases = [replace(without_dropout(LARGE), name="none")]
    for name, variant in VARIANTS:
        if name != "none" and variant.supports in ("vectors", "either"):
            rate = 0.5 if variant.takes_rate() else 0.0
            cases.append(replace(LARGE, name=name, variant=name, rate=rate, input_rate=0.0))
    return tuple(cases)


def suite_cases(name: str) -> tuple[BenchmarkCase, ...]:
    """Return the cases of a suite of STEP_SUITES."""
    if name == "mlp":
        return (
            SMALL,
            MEDIUM,
            LARGE,
            without_dropout(LARGE),
            replace(LARGE, name=f"{LARGE.name}, batchwise", variant="batchwise"),
        )
    if name == "optimizers":
        cases = SMALL, MEDIUM, LARGE, without_dropout(MEDIUM)
        return tuple(replace(case, name=f"{case.name}, adam", optimizer="adam") for case in cases)
    if name == "evaluation":
        base = replace(MEDIUM, batch=1000, input_rate=0.0)
        noiseless = replace(base, name="1,000 examples, noise off", work="evaluate")
        return noiseless, replace(base, name="1,000 examples, noise on", work="monte_carlo")
    return variant_cases() if name == "variants" else (CNN,)


STEP_SUITES = ("mlp", "optimizers", "variants", "cnn", "evaluation")
"""Suites that measure steps."""

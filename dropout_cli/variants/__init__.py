"""The dropout variants, one file each, and the names that a variant needs.

A file has the name of its variant in YAML. A variant in another package imports from here only: base classes,
location, masks, rate schedules, field types, and the types of arrays and generators. Names of deeper modules may move.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from dropout_cli.core.errors import InvalidField
from dropout_cli.core.field_types import (
    ClosedFraction,
    Count,
    CountOrZero,
    Finite,
    Fraction,
    FractionOrZero,
    Hint,
    NonNegative,
    Positive,
    Rate,
    Rates,
    Widths,
)
from dropout_cli.core.registry import Choice
from dropout_cli.core.renamed import missing_name
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.container import leaves
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.fast_passes import PassOptimizations
from dropout_cli.nn.layers.residual import Residual
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.operations import GraphValue, OperationGraph, UndescribedLayer
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.activation_noise import ActivationNoise, HiddenActivationNoise, NoisyActivation
from dropout_cli.variants.toolkit.base import (
    MANY_STEPS,
    VARIANTS,
    Kind,
    Location,
    Supports,
    Variant,
    all_rates,
    chain,
    check_rate_count,
    rate_of,
)
from dropout_cli.variants.toolkit.example import VariantExample
from dropout_cli.variants.toolkit.gaussian_linear import GaussianLinear
from dropout_cli.variants.toolkit.learned_rate import learned_parameter
from dropout_cli.variants.toolkit.map_noise import MapNoise
from dropout_cli.variants.toolkit.masks import (
    bernoulli,
    describe_scaled_bernoulli,
    fraction_dropped,
    keep_probability,
    scaled_bernoulli,
)
from dropout_cli.variants.toolkit.penalty_scale import USUAL_PRECISION, penalty_scale
from dropout_cli.variants.toolkit.rate_schedules import RATE_SCHEDULES, ConstantRate, RateSchedule
from dropout_cli.variants.toolkit.scheduled_rate import ScheduledRate

__all__ = [
    "MANY_STEPS",
    "RATE_SCHEDULES",
    "USUAL_PRECISION",
    "VARIANTS",
    "ActivationNoise",
    "Array",
    "Choice",
    "ClosedFraction",
    "ConstantRate",
    "Count",
    "CountOrZero",
    "DType",
    "Dense",
    "Finite",
    "Fraction",
    "FractionOrZero",
    "GaussianLinear",
    "Generator",
    "GraphValue",
    "HiddenActivationNoise",
    "Hint",
    "InvalidField",
    "Kind",
    "Layer",
    "Location",
    "MapNoise",
    "NoiseSource",
    "NoisyActivation",
    "NonNegative",
    "OperationGraph",
    "Parameter",
    "PassOptimizations",
    "Positive",
    "Rate",
    "RateSchedule",
    "Rates",
    "Residual",
    "ScheduledRate",
    "Sequential",
    "Shape",
    "Supports",
    "UndescribedLayer",
    "Variant",
    "VariantExample",
    "Widths",
    "all_rates",
    "bernoulli",
    "chain",
    "check_rate_count",
    "describe_scaled_bernoulli",
    "fraction_dropped",
    "keep_probability",
    "learned_parameter",
    "leaves",
    "penalty_scale",
    "rate_of",
    "scaled_bernoulli",
]

RENAMED: Mapping[str, str] = {
    "Constant": "ConstantRate",
    "Needs": "Supports",
    "Place": "Location",
    "learned": "learned_parameter",
    "one_rate_each": "check_rate_count",
    "share_of_zeros": "fraction_dropped",
}
"""Old name -> new name of everything that this package exported under another name."""

if not TYPE_CHECKING:  # a type checker would accept any name with it

    def __getattr__(name: str) -> NoReturn:
        """Raise ImportError with the new name for an old one, else AttributeError."""
        missing_name(__name__, name, RENAMED)

"""A plugin written for an older version gets the new name of everything that it could have used."""

import dataclasses
import inspect

import numpy as np
import pytest

from dropout_cli import variants
from dropout_cli.architectures import Architecture
from dropout_cli.core.renamed import OldName, RenamedImport, RenamedName, ReportsRenamed
from dropout_cli.core.rng import Noise
from dropout_cli.nn.optim.optimizers import Optimizer

EXPORTS = """
    MANY_STEPS RATE_SCHEDULES USUAL_PRECISION VARIANTS ActivationNoise Array Choice ClosedFraction Constant Count
    CountOrZero DType Dense Finite Fraction FractionOrZero GaussianLinear Generator HiddenActivationNoise Hint Kind
    Layer MapNoise Needs NoiseSource NoisyActivation NonNegative Parameter Place Positive Rate RateSchedule Rates
    Residual Sequential Shape Variant Widths all_rates bernoulli chain keep_probability learned one_rate_each
    penalty_scale rate_of scaled_bernoulli share_of_zeros
"""
"""The names that `dropout_cli.variants` exported in the first release with plugins."""
VARIANT = """
    acts_on assumes_standardized before_logits block check draws_for_every_row input learns map needs output paper
    per_example precision rates report schedule silent suited_activation unit
"""
ACTIVATION_NOISE = VARIANT + "around draw drops evaluation_scale input_rate rate rate_schedule"
LAYER = """
    at backward carrying columns draws forward gradients holds_dropout is_dropout lends_dx lends_y load_state noise_kind
    parameters penalty replica split_at_dropout state warnings
"""
ATTRIBUTES: dict[type[ReportsRenamed], str] = {
    variants.Variant: VARIANT,
    variants.ActivationNoise: ACTIVATION_NOISE,
    variants.MapNoise: VARIANT + "around dense_rate draw draw_maps drops evaluation_scale rate rate_schedule",
    variants.Location: """
        count examples fan_in index kind learning_rate normalized path seed squared steps steps_per_epoch targets
        upstream
    """,
    variants.Layer: LAYER,
    variants.Dense: LAYER,
    variants.Residual: LAYER,
    variants.Sequential: LAYER,
    variants.GaussianLinear: LAYER + "mean mean_slope mean_weights moments spread variances",
    variants.NoisyActivation: LAYER + "through back alone rate",
    variants.Parameter: "add_gradient bias bounds carry clipped decay gradient lr_scale max_norm scale value",
    Noise: "drawn next_batch once shape sharing",
    Optimizer: "carry gradient_scale learning_rate moments normalized update",
    Architecture: """
        accepts has_maps adds_noise smallest_batch build check fits weights largest_weights activations
    """,
}
"""The public attributes of the base classes in that release."""
UNCHANGED: dict[type, str] = {variants.RateSchedule: "largest rate"}
"""Bases of which nothing was renamed."""


def known(cls: type) -> set[str]:
    """Return the attributes and fields of a class."""
    fields = {field.name for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else set()
    names = {name for base in cls.__mro__ for name in (*vars(base), *inspect.get_annotations(base))}
    return fields | {name for name in names if not isinstance(inspect.getattr_static(cls, name, None), OldName)}


def test_every_export_is_there_or_names_its_successor() -> None:
    """`from dropout_cli.variants import NAME` works, or its error has the new name."""
    for name in EXPORTS.split():
        if name in variants.__all__:
            continue
        with pytest.raises(RenamedImport, match=rf"\.{name} is now called {variants.RENAMED[name]}\."):
            getattr(variants, name)


@pytest.mark.parametrize("cls", ATTRIBUTES, ids=lambda cls: str(cls.__name__))
def test_every_attribute_of_a_base_is_there_or_names_its_successor(cls: type[ReportsRenamed]) -> None:
    """A subclass that defines an old name is refused, with the new name."""
    there = known(cls)
    for name in set(ATTRIBUTES[cls].split()) - there:
        with pytest.raises(RenamedName, match=rf"Old defines {name}, which is now called [\w.]+\."):
            type("Old", (cls,), {name: None, "__module__": "plugin"})


@pytest.mark.parametrize("cls", UNCHANGED, ids=lambda cls: str(cls.__name__))
def test_a_base_without_a_table_has_its_attributes_still(cls: type) -> None:
    """Nothing of it was renamed."""
    assert set(UNCHANGED[cls].split()) <= known(cls)


def test_a_plain_layer_learns_where_a_declaration_belongs() -> None:
    """`releases_output` on a plain layer has no effect; a layer with optimizations gets the bare name."""
    with pytest.raises(RenamedName, match=r"lends_y, which is now called PassOptimizations\.releases_output\."):
        type("Plain", (variants.Layer,), {"lends_y": True, "__module__": "plugin"})
    with pytest.raises(RenamedName, match=r"lends_y, which is now called releases_output\."):
        type("Fast", (variants.PassOptimizations,), {"lends_y": True, "__module__": "plugin"})


def test_reading_an_old_attribute_names_its_successor() -> None:
    """Of the generators of a pass and of a parameter, which plugins use and do not derive from."""
    with pytest.raises(AttributeError, match=r"Noise\.once, which is now called draw_once"):
        Noise(0, 0).once  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"Parameter\.scale, which is now called grad_alpha"):
        variants.Parameter(np.zeros(1)).scale  # type: ignore[attr-defined]  # noqa: B018


def test_assigning_an_old_attribute_names_its_successor() -> None:
    """It would be an attribute that nobody reads."""
    with pytest.raises(AttributeError, match=r"assigns Parameter\.scale, which is now called grad_alpha"):
        variants.Parameter(np.zeros(1)).scale = 2.0  # type: ignore[attr-defined]


def test_old_names_leave_the_look_up_of_attributes_fast() -> None:
    """A class with `__getattr__` would lose the specialized look-up of its other attributes."""
    for cls in (*ATTRIBUTES, *(cls for _, cls in variants.VARIANTS)):
        assert "__getattr__" not in known(cls), cls

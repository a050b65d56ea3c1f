"""`Parameter.add_gradient` agrees with its formula in float64."""

from collections.abc import Callable

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.nn.backend import threads
from dropout_cli.nn.parameter import Parameter

SHAPE = (70, 4)
RNG = stream(0, "test:x")
LEFT, RIGHT = RNG.standard_normal((9, 70)).T, RNG.standard_normal((9, 4))
WHOLE, WEIGHTS = RNG.standard_normal(SHAPE), RNG.standard_normal(SHAPE)
ROWS, LEFT_ROWS = np.array([0, 3, 68]), RNG.standard_normal((9, 3)).T


def put(rows: Array, product: Array) -> Array:
    """That product in those rows of zeros."""
    whole = np.zeros(SHAPE)
    whole[rows] = product
    return whole


SCALES = [
    pytest.param(0.0, 1.0, id="plain"),
    pytest.param(0.0, 0.1, id="adam"),
    pytest.param(0.9, -0.01, id="momentum"),
    pytest.param(0.0, 2.0, id="doubled"),
]

FORMS: dict[str, tuple[Callable[[Parameter, bool], None], Array]] = {
    "array": (lambda w, first: w.add_gradient(WHOLE, first=first), WHOLE),
    "not contiguous": (lambda w, first: w.add_gradient(np.asfortranarray(WHOLE), first=first), WHOLE),
    "of another type": (
        lambda w, first: w.add_gradient(WHOLE.astype(np.float32), first=first),
        WHOLE.astype(np.float32).astype(np.float64),
    ),
    "array times number": (lambda w, first: w.add_gradient(WHOLE, factor=-3.0, first=first), -3 * WHOLE),
    "array times array": (lambda w, first: w.add_gradient(WHOLE, factor=WEIGHTS, first=first), WHOLE * WEIGHTS),
    "number": (lambda w, first: w.add_gradient(0.5, factor=3.0, first=first), np.full(SHAPE, 1.5)),
    "product": (lambda w, first: w.add_gradient(LEFT, RIGHT, first=first), LEFT @ RIGHT),
    "product times number": (
        lambda w, first: w.add_gradient(LEFT, RIGHT, factor=0.3, first=first),
        0.3 * (LEFT @ RIGHT),
    ),
    "product times array": (
        lambda w, first: w.add_gradient(LEFT, RIGHT, factor=WEIGHTS, first=first),
        WEIGHTS * (LEFT @ RIGHT),
    ),
    "product times mask": (
        lambda w, first: w.add_gradient(LEFT, RIGHT, factor=WEIGHTS > 0, first=first),
        (WEIGHTS > 0) * (LEFT @ RIGHT),
    ),
    "product for some rows": (
        lambda w, first: w.add_gradient(LEFT_ROWS, RIGHT, rows=ROWS, factor=2.0, first=first),
        put(ROWS, 2 * (LEFT_ROWS @ RIGHT)),
    ),
}


@pytest.mark.parametrize("divided", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("carry", "scale"), SCALES)
def test_a_gradient_is_carry_times_the_last_and_scale_times_the_sum(
    carry: float, scale: float, form: str, divided: bool
) -> None:
    """The first addition leaves carry G + scale g, the next adds scale g again; with carry 0 even NaN is forgotten."""
    add, expected = FORMS[form]
    before = np.full(SHAPE, 2.0 if carry else np.nan)
    w = Parameter(np.zeros(SHAPE))
    w.gradient[...], w.grad_beta, w.grad_alpha = before, carry, scale
    memory, kept = w.gradient, carry * before if carry else 0.0
    with threads.limit_threads(2, divided=divided):
        add(w, True)
        np.testing.assert_allclose(w.gradient, kept + scale * expected, rtol=1e-12, atol=1e-12)
        add(w, False)
    np.testing.assert_allclose(w.gradient, kept + 2 * scale * expected, rtol=1e-12, atol=1e-12)
    assert w.gradient is memory


@pytest.mark.parametrize("divided", [False, True])
@pytest.mark.parametrize(("carry", "scale"), SCALES)
def test_with_an_axis_more_the_gradient_is_the_sum_of_the_rows(carry: float, scale: float, divided: bool) -> None:
    """As for a bias, which every row was given."""
    b = Parameter.bias(np.zeros(4))
    b.gradient[...], b.grad_beta, b.grad_alpha = 2.0 if carry else np.nan, carry, scale
    with threads.limit_threads(2, divided=divided):
        b.add_gradient(RIGHT, first=True)
        b.add_gradient(RIGHT, factor=3.0)
    np.testing.assert_allclose(b.gradient, 2 * carry + 4 * scale * RIGHT.sum(axis=0), rtol=1e-12, atol=1e-12)


def test_a_gradient_keeps_the_type_of_the_value() -> None:
    """Float32 stays float32, whatever is added to it."""
    w = Parameter(np.zeros(SHAPE, np.float32))
    for scale in (1.0, 0.1):
        w.grad_alpha = scale
        w.add_gradient(WHOLE, first=True)
        w.add_gradient(WHOLE)
        w.add_gradient(WHOLE, factor=WEIGHTS > 0)
        np.testing.assert_allclose(w.gradient, scale * WHOLE * (2 + (WEIGHTS > 0)), rtol=1e-5, atol=1e-6)
    assert w.gradient.dtype == np.float32


def test_a_bias_is_neither_regularized_nor_bounded() -> None:
    """Its decay and max-norm are 0; a weight's are 1, and both have the run's learning rate and count in clipping."""
    w, b = Parameter(np.zeros(2)), Parameter.bias(np.zeros(2))
    assert (w.decay, w.max_norm, b.decay, b.max_norm) == (1, 1, 0, 0)
    assert w.lr_scale == b.lr_scale == 1 and w.clipped and b.clipped and w.bounds is b.bounds is None


def test_the_first_product_for_some_rows_forgets_the_last_one() -> None:
    """In the gradient and in the memory where the product is made, even if it was not finite."""
    rng = stream(0, "test")
    parameter = Parameter(np.zeros((5, 4)))
    for last in (False, True):
        g, times = rng.standard_normal((3, 6)), rng.standard_normal((6, 4))
        with np.errstate(invalid="ignore"):
            parameter.add_gradient(g if last else g * np.nan, times, rows=np.array([0, 2, 3]), first=True)
    expected = np.zeros((5, 4))
    expected[[0, 2, 3]] = g @ times
    np.testing.assert_allclose(parameter.gradient, expected, rtol=1e-12)

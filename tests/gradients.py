"""Compare hand-written backward passes with central differences in float64.

    (f(a + h u) - f(a - h u)) / 2h  =  <gradient, u>,    u ~ N(0, 1) for every element

One random direction checks every element of a gradient at once. f must create its random streams anew at each call:
otherwise each call is another function.
"""

from collections.abc import Callable, Sequence

import numpy as np

from dropout_cli.core.rng import Generator, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.fast_passes import fused_parameters

STEP = 1e-5
"""Near the cube root of float64's precision: truncation and rounding are then about as small as each other."""
DIRECTIONS = 3


def directional(
    f: Callable[[], float], arrays: Sequence[Array], gradients: Sequence[Array], rng: Generator, *, h: float = STEP
) -> float:
    """Return the relative error of gradients along one random direction.

    The error is relative to the largest of the difference quotient, the gradient's norm (the typical <gradient, u>)
    and a thousandth of f. The last keeps rounding out if the gradient is exactly 0, as for a bias below batch
    normalization.

    Args:
        f: Reads `arrays`, which are changed in place and restored; takes no arguments.
        arrays: float64.
        gradients: Those of f, one for each array.
        rng: Draws the direction.
        h: Step of the central difference.
    """
    assert all(array.dtype == np.float64 for array in arrays), "central differences need float64"
    directions = [rng.standard_normal(array.shape) for array in arrays]
    kept = [array.copy() for array in arrays]

    def at(t: float) -> float:
        for array, start, direction in zip(arrays, kept, directions, strict=True):
            array[...] = start + t * direction
        return f()

    above, below = at(h), at(-h)
    measured = (above - below) / (2 * h)
    for array, start in zip(arrays, kept, strict=True):
        array[...] = start
    claimed = sum(float(np.vdot(gradient, u)) for gradient, u in zip(gradients, directions, strict=True))
    norm = float(np.sqrt(sum(float(np.vdot(gradient, gradient)) for gradient in gradients)))
    scale = max(abs(measured), norm, 1e-3 * abs(above))
    return abs(measured - claimed) / scale if scale else 0.0


def layer_errors(
    layer_factory: Callable[[], Layer],
    x: Array,
    *,
    noise: Callable[[], NoiseSource] = lambda: None,
    train: bool = False,
    h: float = STEP,
) -> dict[str, float]:
    """Return the largest relative error of dx (`x`) and of each parameter's gradient.

    The loss is L = <dy, y> + penalty. The layer sees x and dy read-only.

    Args:
        layer_factory: Returns an equal float64 layer at each call, so that no state of an earlier pass enters.
        x: The input.
        noise: Returns equal streams at each call; None: no noise.
        train: Passed to `forward`.
        h: Step of the central difference.
    """
    rng = stream(0, "test:gradients")
    x, layer = x.copy(), layer_factory()
    y = layer.forward(read_only(x), train=train, noise=noise())
    dy = rng.standard_normal(y.shape)
    dx = layer.backward(read_only(dy)).copy()
    values = {name: parameter.value.copy() for name, parameter in layer.parameters().items()}

    def loss() -> float:
        twin = layer_factory()
        for name, parameter in twin.parameters().items():
            parameter.value[...] = values[name]
        return float(np.vdot(dy, twin.forward(read_only(x), train=train, noise=noise()))) + twin.penalty()

    checked = {"x": (x, dx)}
    checked |= {name: (values[name], parameter.gradient) for name, parameter in layer.parameters().items()}
    return {
        name: max(directional(loss, [array], [gradient], rng, h=h) for _ in range(DIRECTIONS))
        for name, (array, gradient) in checked.items()
    }


def check_layer(
    layer_factory: Callable[[], Layer],
    x: Array,
    *,
    noise: Callable[[], NoiseSource] = lambda: None,
    train: bool = False,
    tolerance: float = 1e-6,
    h: float = STEP,
) -> None:
    """Assert that dx and all gradients are right, and that `gradients` gives the same.

    The penalty is included.

    It also checks that gradients are added to momenta as an optimizer asks for (`check_contract`).
    For example `check_layer(lambda: Dense(..., dtype=np.dtype(float)), x, noise=lambda: Noise(0, 1), train=True)`.
    """
    errors = layer_errors(layer_factory, x, noise=noise, train=train, h=h)
    wrong = {name: error for name, error in errors.items() if not error <= tolerance}
    assert not wrong, f"gradients differ from central differences by {wrong}, relatively"

    one, other = layer_factory(), layer_factory()
    y = one.forward(read_only(x), train=train, noise=noise())
    other.forward(read_only(x), train=train, noise=noise())
    dy = stream(0, "test:dy").standard_normal(y.shape)
    one.backward(read_only(dy))
    other.gradients(read_only(dy))
    for (name, mine), its in zip(one.parameters().items(), other.parameters().values(), strict=True):
        assert mine.gradient.tobytes() == its.gradient.tobytes(), f"{name}: `gradients` and `backward` differ"
    for with_dx in (True, False):
        check_contract(layer_factory, x, noise=noise, train=train, with_dx=with_dx)


def check_contract(
    layer_factory: Callable[[], Layer],
    x: Array,
    *,
    noise: Callable[[], NoiseSource],
    train: bool,
    with_dx: bool,
) -> None:
    """Assert that a pass leaves carry G + scale dL/dvalue, where G is the old gradient.

    The pass is `backward` (`with_dx`) or `gradients`.

    Carry and scale are set for parameters that the layer declares in `carrying`: as adam sets them (carry 0), and as
    momentum does. For all others they are 0 and 1. With carry 0, G may be anything, NaN too.
    """

    def passed(carry: float, scale: float, before: float) -> dict[str, Array]:
        layer = layer_factory()
        y = layer.forward(read_only(x), train=train, noise=noise())
        named = layer.parameters()
        for parameter in named.values():
            parameter.gradient[...] = 0 if carry else before
        for parameter in fused_parameters(layer):
            assert any(parameter is one for one in named.values()), "`carrying` names what is not in `parameters`"
            parameter.gradient[...] = before
            parameter.grad_beta, parameter.grad_alpha = carry, scale
        dy = read_only(stream(0, "test:dy").standard_normal(y.shape))
        if with_dx:
            layer.backward(dy)
        else:
            layer.gradients(dy)
        return {name: parameter.gradient for name, parameter in named.items()}

    layer = layer_factory()
    declared = {id(parameter) for parameter in fused_parameters(layer)}
    fused = {name for name, parameter in layer.parameters().items() if id(parameter) in declared}
    plain = passed(0.0, 1.0, 0.0)
    for carry, scale, before in ((0.0, 1.0, np.nan), (0.0, 0.125, np.nan), (0.5, -0.25, 3.0)):
        for name, gradient in passed(carry, scale, before).items():
            factor, kept = (scale, carry * before if carry else 0.0) if name in fused else (1.0, 0.0)
            bound = 1e-12 * (abs(kept) + float(np.abs(plain[name]).max(initial=0)) * plain[name].size)
            error = float(np.abs(gradient - (kept + factor * plain[name])).max(initial=0))
            assert error <= bound, (
                f"{name}: with carry {carry} and scale {scale}, a backward pass leaves a gradient that is off by "
                f"{error}. Write gradients by `Parameter.add_gradient` alone, the first with `first=True`."
            )


def read_only(array: Array) -> Array:
    """Return a read-only view of the array."""
    view = array.view()
    view.flags.writeable = False
    return view

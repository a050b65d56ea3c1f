"""Base class of objectives: an objective runs the passes and fills the gradients."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from dropout_cli.core.registry import Registry
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.variants.toolkit.base import Variant

OBJECTIVES: Registry["Objective"] = Registry(
    "objective",
    package="dropout_cli.objectives",
    plugins="dropout_cli.objectives",
    unusable=lambda cls: "" if issubclass(cls, Objective) else f"{cls.__name__} is not a subclass of Objective",
)


class Objective(ABC):
    """A frozen configuration of the training loss; its dataclass fields are its YAML keys."""

    task: ClassVar[Literal["classification", "regression"]] = "classification"
    """The task that the objective is for."""
    needs_noise: ClassVar[Literal["nowhere", "anywhere", "before the logits"]] = "nowhere"
    """Where the network must draw noise for the objective to have an effect."""
    outputs_per_target: ClassVar[int] = 1
    """Number of network outputs per class or target."""
    is_squared_error: ClassVar[bool] = False
    """True if the loss is a squared error, which is a likelihood only for a given precision of the noise."""

    @abstractmethod
    def compute_gradients(
        self,
        network: Layer,
        x: Array,
        labels: Array,
        noise: NoiseSource,
        targets: Array | None = None,
        weights: Array | None = None,
    ) -> float:
        """Run the batch forward and backward, and leave the gradients in the network.

        The loss is sum_i w_i l_i / N, where l_i has every term that belongs to example i.

        Args:
            network: The network.
            x: (N, ...) inputs.
            labels: (N,) class ids, or (N, targets) standardized values in the dtype of x.
            noise: The generators of this epoch.
            targets: (N, classes) soft targets of the teachers, if there are teachers.
            weights: w, (N,), factors of the losses of the examples; None: all are 1.

        Returns:
            The loss, without `network.penalty()`.
        """

    def given_precision(self) -> float | None:
        """Return the precision of a regression's target noise that the config gives.

        It is 1 / variance in the target's own unit; None if it is not given.
        """
        return None

    def check(self, variant: Variant, *, other_noise: bool = False) -> None:
        """Raise ValueError if the objective would have no effect with a variant.

        The check is for new runs: runs that were trained before stay readable.

        Args:
            variant: The dropout variant.
            other_noise: True if the architecture adds other noise.
        """
        return None


def require_per_example_noise(objective: str, variant: Variant) -> None:
    """Raise ValueError if a batch stacked on itself would have the same noise in each copy.

    Args:
        objective: The name of the objective, for the message.
        variant: The dropout variant.
    """
    if not variant.draws_for_every_row():
        raise ValueError(
            f"{objective} needs noise of its own for every row of the batch, but the variant draws one noise for all "
            "rows. Use another variant, such as inverted"
        )

"""An objective makes the passes that its formula needs and leaves the gradients in the network."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from dropout_cli.core.registry import Registry
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.variants.toolkit.base import Variant

OBJECTIVES: Registry["Objective"] = Registry("objective", package="dropout_cli.objectives")


class Objective(ABC):
    """A frozen law of the training loss; its dataclass fields are its YAML keys."""

    predicts: ClassVar[str] = "classes"
    """`classes` or `quantities`."""
    needs_noise: ClassVar[Literal["nowhere", "anywhere", "before the logits"]] = "nowhere"
    """Where the network must draw noise for the objective to have an effect."""
    outputs_each: ClassVar[int] = 1
    """The network's outputs per class or quantity."""
    squared: ClassVar[bool] = False
    """Whether the loss is a squared error, which is a likelihood only once the precision of the noise is stated."""

    @abstractmethod
    def learn(self, network: Layer, x: Array, labels: Array, noise: NoiseSource, targets: Array | None = None) -> float:
        """Pass the batch forward and backward; return the loss, `network.penalty()` left out.

        `labels` are class ids (N,), or standardized quantities (N, T) in the dtype of x.
        `targets` (N, classes) are the teachers' soft targets of these examples, where there are teachers.
        """

    def check(self, law: Variant, *, other_noise: bool = False) -> None:
        """Raise ValueError where the objective would have no effect with that variant.

        `other_noise`: whether the architecture adds noise of its own. Runs that were trained before stay readable.
        """
        return None


def own_noise_for_every_row(objective: str, law: Variant) -> None:
    """Raise ValueError where a batch stacked on itself would see the same noise in each copy."""
    if not law.draws_for_every_row():
        raise ValueError(
            f"{objective} needs noise of its own for every row of the batch, and the variant draws one for all. "
            "inverted would do"
        )

"""Mutual information of T noisy passes, corrected for the finite number of passes.

With H the entropy and p_t the probabilities of pass t, the plug-in value I_T = H(mean_t p_t) - mean_t H(p_t) is too
small on average: the mean of few passes lies closer to each of them than the mean of all possible passes does. To first
order

    E I_T = I (1 - 1 / T)

so I_T T / (T - 1) estimates I. It cannot be larger than H(mean_t p_t), and one pass gives no estimate.
"""

import numpy as np

from dropout_cli.core.types import Array


def corrected_mutual_information(mutual_information: Array, predictive_entropy: Array, passes: int) -> Array:
    """Return the mutual information corrected for the number of passes, (N,).

    Args:
        mutual_information: (N,) plug-in values, in nats.
        predictive_entropy: (N,) entropies of the mean of the passes, in nats; the largest possible values.
        passes: Number of passes, at least 2.

    Raises:
        ValueError: There are fewer than 2 passes.
    """
    if passes < 2:
        raise ValueError(f"passes must be at least 2, got {passes}. Draw more passes.")
    # Rounding may put the entropy of a sure prediction below 0.
    largest = np.maximum(predictive_entropy, 0)
    return np.asarray(np.clip(mutual_information * (passes / (passes - 1)), 0, largest))

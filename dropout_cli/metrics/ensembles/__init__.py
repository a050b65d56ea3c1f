"""Ensembles of networks: averages, disagreement, and the ambiguity decompositions.

With p_k the probabilities of network k, or f_k its predicted number, w_k its weight (1 / K, or the probability of its
mask), and y the true value or the one-hot label:

    arithmetic mean       pbar_c = sum_k w_k p_kc
    geometric mean        g_c = prod_k p_kc^w_k / Z,  Z = sum_c prod_k p_kc^w_k <= 1
    votes                 v_c = sum_k w_k [network k predicts c]; the lowest class wins a tie
    disagreement          1 - sum_c v_c^2, the probability that two independent draws of a network predict differently

The mean loss of the single networks is the loss of their average plus an ambiguity, which is never negative:

    squared error         sum_k w_k (f_k - y)^2 = (fbar - y)^2 + sum_k w_k (f_k - fbar)^2
    Brier score           as above, summed over the classes, with p_kc for f_k
    cross-entropy         sum_k w_k (-ln p_ky) = -ln pbar_y + ambiguity; it depends on y
    cross-entropy         sum_k w_k (-ln p_ky) = -ln g_y - ln Z; the ambiguity -ln Z = sum_k w_k KL(g || p_k) does not

Krogh & Vedelsby 1995, NeurIPS 7 (squared error); Heskes 1998, Neural Computation 10:1425 (geometric mean); Wood et al.
2023, JMLR 24:359.
"""

from dropout_cli.metrics.ensembles.classes import ClassEnsemble, aggregate_classifiers
from dropout_cli.metrics.ensembles.decomposition import AmbiguityDecomposition
from dropout_cli.metrics.ensembles.masks import all_masks
from dropout_cli.metrics.ensembles.numbers import NumberEnsemble, aggregate_regressors
from dropout_cli.metrics.ensembles.subsets import (
    choose_subsets,
    score_class_subsets,
    score_number_subsets,
    subset_sizes,
)

__all__ = [
    "AmbiguityDecomposition",
    "ClassEnsemble",
    "NumberEnsemble",
    "aggregate_classifiers",
    "aggregate_regressors",
    "all_masks",
    "choose_subsets",
    "score_class_subsets",
    "score_number_subsets",
    "subset_sizes",
]

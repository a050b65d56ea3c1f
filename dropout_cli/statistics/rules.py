"""Numbered rules by which comparisons are computed, so that tables of older versions can be computed again.

1: differences as subtraction gives them; one split ratio, that of the first run, for all groups; a p-value below .05
   decides before the margin does; of runs that share group, seed and split the last one counts.
2: differences freed of rounding; the spread of equal values is exactly 0; every group has the split ratio of its own
   runs; the margin decides first; runs that share group, seed and split are averaged.
"""

FIRST, LATEST = 1, 2

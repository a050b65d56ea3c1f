"""Numbered rules of comparisons, so that tables of older versions can be computed again.

1: differences are plain subtractions; all groups use one split ratio, that of the first run; a p-value below .05
   takes precedence over the margin; of runs that share group, seed and split the last one counts.
2: differences are free of rounding noise; the spread of equal values is exactly 0; every group uses the split ratio of
   its own runs; the margin takes precedence; runs that share group, seed and split are averaged.
"""

RULES_V1, RULES_LATEST = 1, 2

"""Studies of the variance: from which source of randomness the spread of a metric comes.

`design` is stored in the plan, `sources` finds the sources of an experiment and lays out the runs, `shares` computes
the shares from the complete runs, and `study` trains the runs and writes the results.
"""

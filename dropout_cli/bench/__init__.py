"""How fast the engine is, beside others and beside what the hardware allows: steps, whole commands, a profile.

Times are compared by ratios of medians, taken in turn, every contender in a process of its own: no other number means
anything on a machine that others use too.
"""

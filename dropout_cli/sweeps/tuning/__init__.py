"""A search for good settings, which ends with a comparison as a sweep does.

`study` stores the trials, `space` defines the parameters, `search` runs the trials, `finals` compares the best of them,
and `tune` connects these steps.
"""

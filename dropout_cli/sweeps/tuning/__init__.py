"""A search for good settings, which ends in evidence as a sweep does.

`study` keeps what was tried, `space` says what may be chosen, `search` runs trial after trial, `finals` tells the best
of them apart, and `tune` is the line through all of it.
"""

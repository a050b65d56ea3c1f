"""Corruptions of examples at rising strength, to test a network on data unlike those of its training."""

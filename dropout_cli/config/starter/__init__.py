"""Starter configs for a user's own data."""

from dropout_cli.config.starter.files import starter_config

__all__ = ["starter_config"]

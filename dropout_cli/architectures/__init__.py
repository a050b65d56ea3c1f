"""Architectures: networks whose hidden units are built by the dropout variant."""

from dropout_cli.architectures.base import ARCHITECTURES, Architecture, BuildContext

__all__ = ["ARCHITECTURES", "Architecture", "BuildContext"]

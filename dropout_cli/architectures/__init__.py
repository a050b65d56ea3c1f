"""The networks: each places the linear maps and asks the dropout variant for the units around them."""

from dropout_cli.architectures.base import ARCHITECTURES, Architecture, BuildContext

__all__ = ["ARCHITECTURES", "Architecture", "BuildContext"]

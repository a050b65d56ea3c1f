"""The networks: each places the linear maps and asks the dropout variant for the units around them."""

from dropout_cli.architectures.base import ARCHITECTURES, Architecture, Surroundings

__all__ = ["ARCHITECTURES", "Architecture", "Surroundings"]

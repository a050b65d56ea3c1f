"""The dropout variants: the bases, and one file per variant, named as in YAML."""

from dropout_cli.variants.toolkit.base import VARIANTS, Place, Variant

__all__ = ["VARIANTS", "Place", "Variant"]

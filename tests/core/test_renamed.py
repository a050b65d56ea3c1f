"""Whoever uses a name of an older version is told the new one."""

from dataclasses import dataclass
from inspect import getattr_static
from typing import ClassVar

import pytest

from dropout_cli import variants
from dropout_cli.core.renamed import OldName, RenamedName, ReportsRenamed, missing_name
from dropout_cli.core.rng import Noise
from dropout_cli.nn.layers.fast_passes import BatchParallel
from dropout_cli.nn.optim.optimizers import Optimizer
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.toolkit.gaussian_linear import GaussianLinear


class Animal(ReportsRenamed):
    """A base class that was changed."""

    RENAMED: ClassVar = {"noise": "sound", "limbs": "legs"}
    legs: int = 4

    def sound(self) -> str:
        """Empty."""
        return ""


def test_a_subclass_that_defines_an_old_name_is_refused() -> None:
    """A method, an attribute or a field, in a class derived from it through others; one line names old and new."""

    class Dog(Animal):
        """In between."""

    with pytest.raises(RenamedName) as raised:
        type("Poodle", (Dog,), {"noise": Animal.sound, "__module__": "kennel"})
    said = "kennel: Poodle defines noise, which is now called sound. Rename it in kennel."
    assert str(raised.value) == said and raised.value.exit_code == 2
    with pytest.raises(RenamedName, match="limbs, which is now called legs"):

        @dataclass
        class Snake(Dog):
            limbs: int


def test_a_class_that_defines_the_new_names_is_fine() -> None:
    """Its own table does not concern itself, but its subclasses."""

    class Spider(Animal):
        RENAMED: ClassVar = {"spin": "weave"}
        legs = 8

        def spin(self) -> None:
            """Not refused here."""

    assert Spider().legs == 8
    with pytest.raises(RenamedName, match="spin, which is now called weave"):
        type("Tarantula", (Spider,), {"spin": Spider.spin})


def test_looking_an_old_name_up_tells_the_new_one() -> None:
    """It is an AttributeError, so that `hasattr` and `getattr` with a default stay as they are."""
    with pytest.raises(AttributeError, match=r"test_renamed: uses Animal\.noise, which is now called sound"):
        Animal().noise  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match="'Animal' object has no attribute 'wings'"):
        Animal().wings  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(Animal(), "noise") and getattr(Animal(), "wings", 0) == 0


def test_importing_an_old_name_tells_the_new_one() -> None:
    """Of an unknown name the module says what Python says."""
    with pytest.raises(ImportError, match=r"zoo\.noise is now called sound\. Import it by that name\."):
        missing_name("zoo", "noise", {"noise": "sound"})
    with pytest.raises(ImportError, match=r"cannot import name 'nothing_of_that_name' from 'dropout_cli\.variants'"):
        from dropout_cli.variants import nothing_of_that_name  # type: ignore[attr-defined]  # noqa: F401


def test_the_tables_name_what_there_is() -> None:
    """Every new name is in use, and no old one is."""
    for old, new in variants.RENAMED.items():
        assert new in variants.__all__ and old not in variants.__all__
    roots = (
        Noise,
        Optimizer,
        variants.Parameter,
        variants.Location,
        GaussianLinear,
        BatchParallel,
        *(cls for _, cls in VARIANTS),
    )
    bases = {base for cls in roots for base in cls.__mro__}
    for base in bases:
        for old, new in vars(base).get("RENAMED", {}).items():
            named = {name for cls in base.__mro__ for name in (*vars(cls), *vars(cls).get("__annotations__", {}))}
            known = {name for name in named if not isinstance(getattr_static(base, name, None), OldName)}
            owner, _, name = new.rpartition(".")
            assert hasattr(variants, owner) and hasattr(getattr(variants, owner), name) if owner else new in known
            assert old not in known, (base, old, new)

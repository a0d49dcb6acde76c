"""One illness a file: named after it, with its look-alikes, and asked somewhere."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from types import ModuleType
from typing import Any

import pytest

from chainrule.check import kinds
from chainrule.doctor import illnesses
from chainrule.doctor.byhand import gradient_mistakes
from chainrule.doctor.byhand import illnesses as by_hand

FAMILIES: dict[str, ModuleType] = {"networks": illnesses, "by hand": by_hand}


def files(family: ModuleType) -> list[str]:
    """The names of a family's files, but for the one that says what an illness is."""
    return [info.name for info in pkgutil.iter_modules(family.__path__) if info.name != "illness"]


FILES = [(family, name) for family, package in FAMILIES.items() for name in files(package)]


def wrong_with(name: str, source: str) -> list[str]:
    """What is wrong with the source of an illness's file."""
    tree = ast.parse(source)
    made = [
        call
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        if call.func.id == "Illness"
    ]
    found = []
    if len(made) != 1:
        found.append(f"{name} has {len(made)} illnesses")
    first = made[0].args[0] if made and made[0].args else None
    is_another = isinstance(first, ast.Constant) and first.value != name
    if is_another:
        found.append(f"{name} is of another illness")
    if "look-alike" not in (ast.get_docstring(tree) or "").lower():
        found.append(f"{name} does not say what looks like it")
    return found


@pytest.mark.parametrize(("family", "name"), FILES)
def test_a_file_has_one_illness_that_bears_its_name(family: str, name: str) -> None:
    module = importlib.import_module(f"{FAMILIES[family].__name__}.{name}")
    assert module.__file__ is not None
    with open(module.__file__, encoding="utf-8") as file:
        assert wrong_with(name, file.read()) == []
    assert module.ILLNESS.name == name


def test_a_file_with_two_is_found() -> None:
    one = '"""Look-alikes: none."""\nILLNESS = Illness("a", "A", ask)\n'
    assert wrong_with("a", one) == []
    assert wrong_with("a", one + 'OTHER = Illness("b", "B", ask)\n') == ["a has 2 illnesses"]
    assert wrong_with("b", one) == ["b is of another illness"]
    assert wrong_with("a", '"""Nothing."""\n') == [
        "a has 0 illnesses", "a does not say what looks like it",
    ]  # fmt: skip


def asked(family: ModuleType) -> set[str]:
    """The names of all illnesses that a family's registry has."""
    found: set[str] = set()
    for value in vars(family).values():
        members: Any = value if isinstance(value, tuple) else (value,)
        for member in members:
            illness = member.ILLNESS if value is getattr(family, "OF_DATA", None) else member
            if isinstance(illness, family.Illness):
                found.add(illness.name)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_every_illness_is_asked_after(family: str) -> None:
    assert asked(FAMILIES[family]) == set(files(FAMILIES[family]))


def test_every_mistake_of_the_checks_is_an_illness_or_harmless() -> None:
    known = {kind for illness in by_hand.GRADIENTS for kind in illness.mistakes}
    assert set(kinds.KINDS) <= known | set(gradient_mistakes.HARMLESS)
    assert not known & set(gradient_mistakes.HARMLESS)
    assert by_hand.called("no such kind", by_hand.GRADIENTS) is None

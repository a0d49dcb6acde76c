"""The command as tests run it, in a folder of their own, and tables as people have them."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chainrule.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in an empty folder: default runs go there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command() -> Callable[..., Result]:
    """Run ``chainrule`` with these arguments. A bug shows itself as its own exception."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)

    return run


@pytest.fixture
def houses(folder: Path) -> Path:
    """Prices of houses: numbers, categories, missing values, a column of names, a constant one."""
    draw = random.Random(1)
    districts = {"north": 0, "south": 40, "old town": 90}
    heating = {"gas": 0, "oil": -15, "heat pump": 25}
    rows = [["id", "area", "rooms", "district", "heating", "country", "price"]]
    for place in range(200):
        area, rooms = draw.uniform(30, 200), draw.randint(1, 6)
        d, h = draw.choice(list(districts)), draw.choice(list(heating))
        price = 2.5 * area + 10 * rooms + districts[d] + heating[h] + draw.gauss(0, 10)
        rows.append(
            [
                f"h{place:04}",
                "" if draw.random() < 0.05 else f"{area:.1f}",
                str(rooms),
                "NA" if draw.random() < 0.05 else d,
                h,
                "FI",
                f"{1000 * price:.0f}",
            ]
        )
    return write(folder / "houses.csv", rows)


@pytest.fixture
def flowers(folder: Path) -> Path:
    """Three kinds of flowers by two measures; the kind is not the last column."""
    draw = random.Random(2)
    rows = [["length", "kind", "width"]]
    for place in range(90):
        kind = place % 3
        rows.append(
            [
                f"{draw.gauss(3 * kind, 1):.3f}",
                ["red, wild", "white", "blue"][kind],
                f"{draw.gauss([0, 4, 0][kind], 1):.3f}",
            ]
        )
    return write(folder / "flowers.csv", rows)


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path

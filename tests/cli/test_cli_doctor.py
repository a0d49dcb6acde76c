"""chainrule doctor FILE: a program by hand, or a network, in a Python file of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chainrule.cli import main

PROGRAM = """
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))
y = X @ np.array([[1.0], [-2.0]]) + 0.5
parameters = {"W": rng.normal(size=(2, 1)), "b": np.zeros(1)}
epochs = 40
print("this goes to stderr")


def forward(p, X):
    return X @ p["W"] + p["b"]


def loss(p, X, y):
    return np.mean((forward(p, X) - y) ** 2)


def gradients(p, X, y):
    error = 2 * (forward(p, X) - y) / len(X)
    return {"W": X.T @ error, "b": error.sum(axis=0)}


def step(p, X, y):
    g = gradients(p, X, y)
    for name in p:
        p[name] -= 0.1 * g[name]
"""


def ask(folder: Path, text: str, *options: str) -> Result:
    path = folder / "loop.py"
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(main, ["doctor", str(path), *options], catch_exceptions=False)


def test_a_program_that_learns(tmp_path: Path) -> None:
    done = ask(tmp_path, PROGRAM)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("HEALTHY. Nothing wrong found")
    assert "this goes to stderr" in done.stderr


def test_a_wrong_gradient_is_placed_in_the_file(tmp_path: Path) -> None:
    done = ask(tmp_path, PROGRAM.replace("2 * (forward(p, X) - y)", "2 * (y - forward(p, X))"))
    assert done.exit_code == 1
    assert "1. In the gradients: wrong sign (wrong_sign)" in done.stdout
    assert "loop.py:1" in done.stdout
    assert "proof" in done.stdout


def test_a_network_in_a_file(tmp_path: Path) -> None:
    text = (
        "import chainrule as cr\n"
        "X, y = cr.data.gate('xor')\n"
        "net = cr.Sequential(cr.Dense(8, 'tanh'), cr.Dense(1, 'sigmoid'))\n"
    )
    done = ask(tmp_path, text, "--network", "net", "--epochs", "300")
    assert done.exit_code == 0, done.output
    assert "HEALTHY" in done.stdout


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("X = 1\n", (), "loop.py has no 'step'."),
        (PROGRAM.replace("y = X @", "targets = X @"), (), "loop.py has no 'y'."),
        ("1 / 0\n", (), "ZeroDivisionError: division by zero"),
        (PROGRAM, ("--network", "net"), "loop.py has no 'net'."),
        (PROGRAM, ("--network", "rng", "--data", "X"), "--data takes two names, such as X,y"),
    ],
)
def test_what_cannot_be_judged(
    tmp_path: Path, text: str, options: tuple[str, ...], said: str
) -> None:
    done = ask(tmp_path, text, *options)
    assert done.exit_code == 2
    assert said in done.stderr

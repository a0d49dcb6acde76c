"""``chainrule check``: a file with a backward pass, and files that cannot be judged."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

NETWORK = """
import numpy as np

print("made on the way")
X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
t = np.array([[0.0], [1.0], [1.0], [0.0]])
rng = np.random.default_rng(0)
parameters = {
    "W1": rng.normal(size=(2, 3)), "b1": rng.normal(size=3),
    "W2": rng.normal(size=(3, 1)), "b2": rng.normal(size=1),
}


def forward(p):
    h = np.tanh(X @ p["W1"] + p["b1"])
    return h, 1 / (1 + np.exp(-(h @ p["W2"] + p["b2"])))


def loss(p):
    y = forward(p)[1]
    return -np.mean(t * np.log(y) + (1 - t) * np.log(1 - y))


def gradients(p):
    h, y = forward(p)
    d2 = (y - t) / len(X)
    d1 = d2 @ p["W2"].T * (1 - h**2)
    return {"W1": X.T @ d1, "b1": d1.sum(axis=0), "W2": h.T @ d2, "b2": d2.sum(axis=0)}


def update(p):
    g = gradients(p)
    for name in p:
        p[name] -= 0.1 * g[name]


class Network:
    def __init__(self):
        self.W, self.b = rng.normal(size=(2, 1)), np.zeros(1)

    def loss(self, x, t):
        self.error = x @ self.W + self.b - t
        return np.mean(self.error**2)

    def backward(self, x):
        d = 2 * self.error / len(x)
        return {"W": x.T @ d, "b": d.sum(axis=0)}


net = Network()
if __name__ == "__main__":
    raise SystemExit("training is not wanted")
"""


@pytest.fixture
def network(folder: Path) -> Path:
    path = folder / "network.py"
    path.write_text(NETWORK, encoding="utf-8")
    return path


def edited(network: Path, old: str, new: str) -> Path:
    text = network.read_text(encoding="utf-8")
    assert old in text
    network.write_text(text.replace(old, new), encoding="utf-8")
    return network


def test_a_right_file_ends_with_0(command, network):
    before = set(sys.modules), list(sys.path), list(sys.argv)
    result = command("check", network)
    assert result.exit_code == 0
    assert result.stderr == "made on the way\n"
    assert result.stdout.startswith("parameter  shape   verdict\n")
    assert result.stdout.endswith("\nAll 4 gradients are right.\n")
    assert "network" not in set(sys.modules) - before[0]
    assert (list(sys.path), list(sys.argv)) == before[1:]


def test_a_wrong_file_ends_with_1_and_names_the_mistake(command, network):
    edited(network, " * (1 - h**2)", "")
    result = command("check", network)
    assert result.exit_code == 1
    assert result.stderr.endswith("Error: 2 of 4 gradients are wrong: W1, b1.\n")
    assert "Mistake: activation derivative missing in W1, b1 (network.py:15)" in result.stdout
    assert '    h = np.tanh(X @ p["W1"] + p["b1"])' in result.stdout


def test_other_names(command, network):
    for old, new in (("parameters = ", "theta = "), ("def loss(p", "def cross_entropy(p"),
                     ("def gradients", "def chain"), ("= gradients(p)", "= chain(p)")):  # fmt: skip
        edited(network, old, new)
    result = command("check", network, "--loss", "cross_entropy", "--parameters", "theta",
                     "--gradients", "chain")  # fmt: skip
    assert result.exit_code == 0, result.stderr


def test_a_name_that_is_not_there_is_answered_with_those_that_are(command, network):
    result = command("check", network, "--gradients", "gradient")
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "Error: network.py has no 'gradient'. Did you mean 'gradients'? It has: X, t, "
        "parameters, forward, loss, gradients, update, net.\n"
    )
    edited(network, "def loss(p", "def losses(p")
    result = command("check", network)
    assert result.exit_code == 2
    assert "has no 'loss'. Did you mean 'losses'? Say what it is called there: --loss NAME." in (
        result.stderr
    )


def test_an_object_with_methods(command, network):
    assert command("check", network, "--network", "net").exit_code == 0
    edited(network, "d = 2 * self.error", "d = self.error")
    result = command("check", network, "--network", "net", "--data", "X, t")
    assert result.exit_code == 1
    assert "Mistake: factor 1/2" in result.stdout
    result = command("check", network, "--network", "net", "--data", "X")
    assert result.exit_code == 2
    assert "--data takes two names, such as X,t" in result.stderr


def test_a_training_step(command, network):
    assert command("check", network, "--step", "update", "--rate", "0.1").exit_code == 0
    result = command("check", network, "--step", "update", "--rate", "0.4")
    assert result.exit_code == 1
    assert "a 4th of rate times gradient" in result.stdout
    assert "4 of 4 updates are wrong" in result.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--rate", "0.1"], "--rate belongs to a training step: --step NAME --rate NUMBER."),
        (["--step", "update", "--rate", "much"], "'much' is not a number above 0"),
        (["--network", "net", "--loss", "loss"], "--network takes loss and gradients from"),
        (["--network", "nett"], "Did you mean 'net'?"),
    ],
)
def test_options_that_do_not_go_together(command, network, options, told):
    result = command("check", network, *options)
    assert result.exit_code == 2
    assert told in result.stderr


def test_the_users_own_line_is_shown_and_not_ours(command, network):
    edited(network, "h = np.tanh(X @", "h = np.tanh(X.T @")
    result = command("check", network)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[1:5] == [
        "Error: network.py, line 20, in loss:",
        "    y = forward(p)[1]",
        "  network.py, line 15, in forward:",
        '    h = np.tanh(X.T @ p["W1"] + p["b1"])',
    ]
    assert result.stderr.splitlines()[5].startswith("  ValueError: matmul: Input operand 1 has a")
    assert "Traceback" not in result.stderr
    assert "calls.py" not in result.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = (1,\n", "network.py, line 1:\n    x = (1,\n  SyntaxError: '(' was never closed"),
        (
            "import nowhere_at_all\n",
            "line 1, in <module>:\n    import nowhere_at_all\n  ModuleNotF",
        ),
        ("import sys\nsys.exit(3)\n", "network.py ends itself (exit or sys.exit)"),
        ("x = 1 / 0\n", "network.py, line 1, in <module>:\n    x = 1 / 0\n  ZeroDivisionError"),
        ("", "network.py has no 'loss'. Say what it is called there: --loss NAME. It has: no"),
        (
            "loss = 3\nparameters = gradients = {}\n",
            "the first argument is the loss: a function of the p",
        ),
    ],
)
def test_files_that_cannot_be_judged_end_with_2(command, folder, text, told):
    (folder / "network.py").write_text(text, encoding="utf-8")
    result = command("check", "network.py")
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""


def test_files_that_are_none(command, folder):
    assert "nothing.py: there is no such file." in command("check", "nothing.py").stderr
    (folder / "notes.txt").write_text("", encoding="utf-8")
    result = command("check", "notes.txt")
    assert result.exit_code == 2
    assert "notes.txt is not a Python file" in result.stderr


def test_a_file_imports_its_neighbours(command, network, folder):
    (folder / "neighbour_of_network.py").write_text("scale = 2.0\n", encoding="utf-8")
    edited(network, "import numpy as np", "import numpy as np, neighbour_of_network")
    try:
        assert command("check", network).exit_code == 0
    finally:
        sys.modules.pop("neighbour_of_network", None)


def test_help_says_that_the_file_is_run(command):
    text = command("check", "--help").stdout
    assert "This RUNS the file" in text

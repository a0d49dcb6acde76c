"""``chainrule show``: networks, saved models and functions, read in four ways."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr

MODEL = '''\
"""A model of the user's."""
import numpy as np
import chainrule as cr

X = np.array([[1.0, 2.0]])
tax = 1.1
net = cr.Sequential(cr.Dense(1, "sigmoid")).build(2)
print("running")


def loss(X, w, scale=2.0):
    z = X @ w
    return np.sum(np.tanh(z)) * scale


def price(apples, tax):
    return apples * tax


def broken(X):
    return X @ X


def decides(tax):
    return tax if tax > 0 else -tax


def only(*, X):
    return np.sum(X)
'''


@pytest.fixture(autouse=True)
def model(folder):
    path = folder / "model.py"
    path.write_text(MODEL, encoding="utf-8")
    return path


def test_a_formula_is_what_is_shown(command):
    result = command("show", "xor", "--hidden", "2")
    assert (result.exit_code, result.stderr) == (0, "")
    assert r"\hat{y} &= \sigma(Z^{[2]})" in result.stdout
    assert r"\frac{\partial L}{\partial W^{[1]}}" in result.stdout
    assert result.stdout == command("show", "xor", "--hidden", "2", "--as", "formula").stdout
    forward = command("show", "xor", "--hidden", "2", "--forward").stdout
    assert r"\hat{y}" in forward
    assert r"\partial" not in forward


def test_a_program_runs_and_gives_the_gradients(command):
    text = command("show", "xor", "--hidden", "2", "--as", "program", "--seed", "3").stdout
    namespace: dict[str, object] = {}
    exec(text, namespace)
    net = cr.Sequential(cr.Dense(2, "tanh"), cr.Dense(1, "sigmoid")).build(2, seed=3)
    X, y = cr.data.gate("xor")
    arrays = (np.asarray(X, np.float32), np.asarray(y, np.float32).reshape(-1, 1))
    loss, *gradients = namespace["loss_and_gradients"](*arrays, *net.parameters.values())
    assert loss == pytest.approx(net.evaluate(X, y)["loss"], rel=1e-5)
    assert [g.shape for g in gradients] == [a.shape for a in net.parameters.values()]


def test_a_walk_goes_through_the_data(command):
    result = command("show", "xor", "--hidden", "2", "--activation", "sigmoid", "--as", "walk")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "  a1 = sigmoid(z1)" in result.stdout
    head = [line.split("  ", 1)[1].strip() for line in result.stdout.splitlines()[1:6]]
    assert head == ["X                                  [0  0]", "[0  1]", "[1  0]", "[1  1]",
                    "y                                  [0]"]  # fmt: skip
    assert "gradients\n" in result.stdout
    net = cr.Sequential(cr.Dense(2, "sigmoid"), cr.Dense(1, "sigmoid")).build(2)
    value = net.evaluate(*cr.data.gate("xor"))["loss"]
    assert f"loss = u3.mean()                   {value:.4f}"[:-1] in result.stdout


def test_a_walk_through_digits_takes_as_many_rows_as_asked(command):
    result = command("show", "digits", "--as", "walk", "--rows", "3")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "(3, 64)" in result.stdout
    result = command("show", "digits", "--as", "walk", "--rows", "3000")
    assert result.exit_code == 1
    assert "--rows 3000: digits has 1,2" in result.stderr


def test_a_drawing_is_a_file(command):
    result = command("show", "xor", "--hidden", "2", "--as", "drawing")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "saved in xor.svg\n", "")
    text = Path("xor.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    assert "in italics: gradient" in text
    again = command("show", "xor", "--hidden", "2", "--as", "drawing")
    assert again.exit_code == 1
    assert "xor.svg is there already. Give another --out, or --force" in again.stderr
    arguments = ("show", "xor", "--hidden", "2", "--as", "drawing")
    assert command(*arguments, "--force").stdout == "saved in xor.svg\n"
    assert command(*arguments, "--out", "-").stdout == text
    assert command(*arguments, "--out", "none/x.svg").exit_code == 1


def test_mnist_is_drawn_without_any_download(command, monkeypatch):
    monkeypatch.setattr("chainrule.cli.shown.problem", None)
    result = command("show", "mnist", "--as", "drawing", "--collapse", "all", "--out", "m.svg")
    assert (result.exit_code, result.stdout) == (0, "saved in m.svg\n")
    text = Path("m.svg").read_text(encoding="utf-8")
    assert "W1 (784, 100)" in text
    assert "Dense 2" in text
    assert "in italics" not in text  # too large for numbers


def test_a_drawing_can_be_asked_for_otherwise(command):
    def boxes(*options):
        out = command("show", "xor", "--as", "drawing", "--out", "-", *options)
        assert out.exit_code == 0
        return out.stdout.count('id="box')

    assert boxes("--collapse", "none") == boxes() == boxes("--direction", "down")
    assert boxes("--collapse", "dense1,dense2") == boxes("--collapse", "all") < boxes()
    result = command("show", "xor", "--as", "drawing", "--collapse", "dense9")
    assert "layer 'dense9' is not known" in result.stderr
    assert result.exit_code == 1
    result = command("show", "xor", "--collapse", "all")
    assert (result.exit_code, "--as drawing" in result.stderr) == (2, True)


def test_a_saved_model(command):
    cr.Sequential(cr.Dense(2, "relu"), cr.Dense(3, "softmax")).build(4).save("own.safetensors")
    result = command("show", "own.safetensors", "--as", "program")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "def loss_and_gradients(X, y, W1, b1, W2, b2):" in result.stdout
    walk = command("show", "own.safetensors", "--as", "walk", "--rows", "2")
    assert walk.stderr == "There are no data here: X and y are random numbers (seed 0).\n"
    assert "gradients" in walk.stdout
    Path("run").mkdir()
    Path("own.safetensors").rename("run/model.safetensors")
    assert command("show", "run", "--as", "drawing", "--out", "r.svg").exit_code == 0


def test_a_function_in_a_file(command):
    result = command("show", "model.py:price", "--shapes", "apples=", "--as", "walk")
    assert result.exit_code == 0
    assert result.stderr == "running\nRandom numbers stand for apples (seed 0).\n"
    assert "  tax               1.1\n" in result.stdout
    one = command("show", "model.py:loss", "--shapes", "w=2,1", "--as", "drawing", "--out", "-")
    assert "(2, 1)" in one.stdout
    assert "scale" not in one.stdout
    several = command("show", "model.py:loss", "--shapes", "X=3,2", "w=2,1", "--as", "program")
    assert several.exit_code == 0
    assert "def loss_and_gradients(X, w):" in several.stdout
    asked = command("show", "model.py:loss", "--shapes", "w=2,1 scale=", "--as", "program")
    assert "def loss_and_gradients(X, w, scale):" in asked.stdout
    assert command("show", "model.py:only").exit_code == 0


def test_a_network_in_a_file(command):
    result = command("show", "model.py:net", "--rows", "2", "--as", "program")
    assert result.exit_code == 0
    assert "def loss_and_gradients(X, y, W1, b1):" in result.stdout


WRONG = {
    "xorr": "network 'xorr' is not known. Did you mean 'xor'? Known: and, digits,",
    "none.safetensors": "none.safetensors: there is no such run.",
    "model.py": "say which function of model.py to show: model.py:NAME.",
    "none.py:f": "none.py: there is no such file.",
    "model.py:los": "model.py has no 'los'. Did you mean 'loss'?",
    "model.py:tax": "tax in model.py is float, not a function.",
    "model.py:loss": "nothing is known of the argument 'w' of loss. Give its shape, --shapes w=3,2",
    "model.py:broken": "matmul needs equal inner sizes, got (1, 2) @ (1, 2)",
    "model.py:decides": "a decision on <Tensor () bool, traced> cannot be recorded",
    "model.py:price --shapes apple=": "argument 'apple' is not known. Did you mean 'apples'?",
    "model.py:price --shapes apples=a": "'apples=a' is not a shape. Write NAME=SIZES",
    "model.py:price --shapes apples= --rows 3": "--rows does not go with a function in a file.",
    "model.py:price --hidden 3": "--hidden does not go with a Python file.",
    "xor --shapes x=3": "--shapes gives the arguments of a function: FILE.py:NAME.",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_cannot_be_shown(command, line):
    result = command("show", *line.split())
    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"Error: {WRONG[line]}" in result.stderr


def test_a_word_too_many(command):
    result = command("show", "xor", "and")
    assert result.exit_code == 2
    assert "one thing is shown at a time; what is 'and'?" in result.stderr


def test_an_error_of_the_users_is_told_by_the_users_line(command, folder):
    (folder / "bad.py").write_text("def f():\n    return missing\n")
    result = command("show", "bad.py:f")
    assert result.exit_code == 1
    assert "bad.py, line 2, in f:\n    return missing" in result.stderr
    assert "NameError" in result.stderr


def test_help_says_that_the_file_is_run(command):
    assert "RUNS the file" in command("show", "--help").stdout

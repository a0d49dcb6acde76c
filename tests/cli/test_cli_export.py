"""chainrule export: the files are written, say the same as predict, and mistakes are one line."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

import chainrule as cr
from chainrule.cli.runs import Run, read_run
from chainrule.data import TableEncoder, read_csv


def numbers(text: str) -> np.ndarray:
    return np.array([row.split(",") for row in text.splitlines()[1:]], dtype=float)


def saved(net, *about):
    """A run as far as export looks at one: its model, with what belongs to it."""
    Path("run").mkdir(exist_ok=True)
    cr.save(net, "run/model.safetensors", Run(net, *about).metadata())


@pytest.fixture
def gate(folder):
    """A run of a gate."""
    saved(cr.Sequential(cr.Dense(2, "tanh"), cr.Dense(1, "sigmoid")).build(2), ("0", "1"))


def of_table(file, target):
    """A run of a table."""
    table = read_csv(file, target=target)
    encoder = TableEncoder().fit(table)
    last = (len(encoder.class_names), "softmax") if encoder.class_names else (1,)
    net = cr.Sequential(cr.Dense(4, "relu"), cr.Dense(*last))
    net.fit(encoder.transform(table), encoder.encode_target(table), epochs=3)
    saved(net, encoder.class_names, encoder)


def alone(program: str, rows: object) -> str:
    done = subprocess.run(
        [sys.executable, "-I", program, str(rows)], env={}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_table_as_onnx_takes_raw_columns(command, houses):
    of_table(houses, "price")
    result = command("export", "run", "--to", "houses.onnx")
    assert (result.exit_code, result.stdout) == (0, "saved in houses.onnx\n")
    assert result.stderr == (
        "Its inputs: area (float64, NaN where missing), rooms (float64, NaN where missing), "
        'district (text, "" where missing), heating (text, "" where missing).\n'
    )
    table = read_csv(houses)
    feed = {
        name: np.array([np.nan if v is None else float(v) for v in table.columns[name]])
        for name in ("area", "rooms")
    } | {
        name: np.array([v or "" for v in table.columns[name]], object)
        for name in ("district", "heating")
    }
    (found,) = onnxruntime.InferenceSession("houses.onnx").run(["prediction"], feed)
    expected = numbers(command("predict", "run", houses).stdout)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_table_as_a_program_says_what_predict_says(command, houses, flowers):
    for data, target in ((houses, "price"), (flowers, "kind")):
        of_table(data, target)
        result = command("export", "run/model.safetensors", "--to", "model.py", "--force")
        assert result.stdout == "saved in model.py\n"
        assert result.stderr == (
            "Use it: python model.py rows.csv, or in Python: from model import predict\n"
        )
        found, expected = alone("model.py", data), command("predict", "run", data).stdout
        rows = [list(csv.reader(text.splitlines())) for text in (found, expected)]
        for a, b in zip(*rows, strict=True):
            for x, y in zip(a, b, strict=True):
                assert x == y or float(x) == pytest.approx(float(y), rel=1e-5)


def test_pictures_as_a_program_and_as_onnx(command):
    data = cr.data.digits()
    X = data.X_test[:10]
    net = cr.Sequential(cr.Dense(8, "relu"), cr.Dense(10, "softmax"))
    net.fit(data.X_train, data.y_train, epochs=1)
    saved(net, data.class_names, None, 16)
    np.savetxt("counts.csv", X * 16, delimiter=",", fmt="%d")
    command("export", "run", "--to", "digits.py")
    found = numbers(alone("digits.py", "counts.csv"))
    np.testing.assert_allclose(
        found, numbers(command("predict", "run", "counts.csv").stdout), atol=1e-5
    )
    result = command("export", "run", "--to", "digits.onnx")
    assert result.stderr == (
        "Its inputs: X, float32 (rows, 64).\nPixels go from 0 to 1: divide counts by 16.\n"
    )
    session = onnxruntime.InferenceSession("digits.onnx")
    (p,) = session.run(None, {"X": X.astype("f4")})
    np.testing.assert_allclose(p, read_run(Path("run")).net.predict(X), atol=1e-6)
    names = session.get_modelmeta().custom_metadata_map["class_names"]
    assert names == '["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]'


def test_weights_for_pytorch(command, houses):
    of_table(houses, "price")
    for name in ("w.pt", "w.safetensors"):
        result = command("export", "run", "--to", name)
        assert result.stderr.startswith("For PyTorch's model = nn.Sequential(\n    nn.Linear(")
        assert result.stderr.endswith(
            "The network alone: what was learnt of the table's columns is not in these weights.\n"
        )
    code = result.stderr.partition(" = ")[2].rpartition("The network")[0]
    model = eval(code, {"nn": nn})
    model.load_state_dict(torch.load("w.pt", weights_only=True))
    net = read_run(Path("run")).net
    X = np.random.default_rng(0).standard_normal((5, *net.input_shape)).astype("f4")
    with torch.no_grad():
        np.testing.assert_allclose(model(torch.from_numpy(X)), net.predict(X), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["run", "--to", "net.h5"],
            "Error: net.h5: the ending says what to export to, and .h5 is ",
        ),
        (["run", "--to", "net"], "Error: net: the ending says what to export to, and none is not "),
        (["rum", "--to", "n.py"], "Error: rum: there is no such run. Did you mean 'run'?\n"),
        (["run", "--to", "no/n.py"], "Error: there is no folder no to save n.py in.\n"),
        (["run", "--to", "there.py"], "Error: there.py is there already. Give another --to, or "),
        (
            ["run", "--to", "run/model.safetensors", "--force"],
            "Error: --to run/model.safetensors is the model itself. Give another file.\n",
        ),
    ],
)
def test_mistakes(command, gate, arguments, told):
    Path("there.py").write_text("mine")
    before = Path("run/model.safetensors").read_bytes()
    result = command("export", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(told)
    assert len(result.stderr.splitlines()) == 1
    assert Path("there.py").read_text() == "mine"
    assert Path("run/model.safetensors").read_bytes() == before


def test_force_replaces(command, gate):
    Path("xor.py").write_text("mine")
    assert command("export", "run", "--to", "xor.py", "--force").exit_code == 0
    Path("rows.csv").write_text("0,1\n1,1\n")
    assert alone("xor.py", "rows.csv").splitlines()[0] == "prediction,probability_0,probability_1"


def test_what_is_not_installed_is_told(command, gate, monkeypatch):
    for module, name, extra in (("onnx", "a.onnx", "onnx"), ("torch", "a.pt", "torch")):
        monkeypatch.setitem(sys.modules, module, None)
        result = command("export", "run", "--to", name)
        assert result.exit_code == 1
        assert f"pip install 'chainrule[{extra}]'" in result.stderr
        assert not Path(name).exists()


def test_help_has_examples(command):
    text = command("export", "--help").stdout
    assert "chainrule export runs/houses --to houses.onnx" in text
    assert ".onnx" in text
    assert "export" in command("--help").stdout

"""The written program: it runs where there is NumPy and no chainrule, and says what we say."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import FileFormatError, OptionError, ShapeError
from chainrule.formats import python_source, save_python
from chainrule.formats.open_rows import open_rows
from chainrule.nn.activations import NAMED
from chainrule.nn.layers import Layer

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(0)
TOLERANCE = {"float32": 1e-6, "float64": 1e-14}


def of_every_layer(dtype: str = "float32") -> cr.Sequential:
    net = cr.Sequential(
        cr.Activation("tanh"), cr.BatchNorm(), cr.LayerNorm(), cr.Flatten(), cr.Dense(5, "relu"),
        cr.Dropout(0.5), cr.BatchNorm(0.3, 1e-4), cr.LayerNorm(), cr.Dense(2, "softmax"),
        dtype=dtype,
    )  # fmt: skip
    net.fit(RNG.standard_normal((30, 2, 3)), np.arange(30) % 2, epochs=4)
    return net


def loaded(source: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "model"}
    exec(compile(source, "model.py", "exec"), namespace)
    return namespace


def check(net: cr.Sequential) -> None:
    predict = loaded(net.program())["predict"]
    for rows in (1, 2, 7):
        X = 3 * RNG.standard_normal((rows, *(net.input_shape or ())))
        found, expected = predict(X), net.predict(X)
        assert found.dtype == expected.dtype
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(found, expected, rtol=0, atol=scale * TOLERANCE[net.dtype.name])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_every_layer(dtype: str) -> None:
    check(of_every_layer(dtype))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", NAMED)
def test_every_activation(activation: str, dtype: str) -> None:
    check(cr.Sequential(cr.Dense(4, activation), cr.Dense(3), dtype=dtype).build(5, seed=1))


def test_many_rows_at_once_and_numbers_that_overflow_inside() -> None:
    net = cr.Sequential(cr.Dense(3, "sigmoid")).build(2)
    X = 100 * RNG.standard_normal((9001, 2))
    np.testing.assert_allclose(loaded(net.program())["predict"](X), net.predict(X), atol=1e-6)


def test_a_planted_mistake_is_noticed() -> None:
    net = cr.Sequential(cr.Dense(3, "tanh"), cr.Dense(2)).build(4)
    broken = net.program().replace("np.tanh", "np.sin")
    X = RNG.standard_normal((5, 4))
    assert np.abs(loaded(broken)["predict"](X) - net.predict(X)).max() > 1e-3


class Rows(Layer):
    """A layer that counts rows in sizes and in factors."""

    def forward(self, x: Any, p: Any, s: Any, mode: Any) -> Any:
        n, width = x.shape
        y = cr.reshape(x + cr.broadcast_to(cr.mean(x, 0), (n, width)), (1, n, width)) * float(n)
        return cr.reshape(y - cr.var(x, 0), (n, width)), {}


def test_a_layer_that_counts_rows() -> None:
    check(cr.Sequential(Rows(), cr.Dense(2)).build(4))


@pytest.mark.parametrize(
    "program",
    [
        lambda n: f"y = X * {1 / n}",
        lambda n: f"y = X * {n * n}",
        lambda n: "y = X" + "".join(" + X" for _ in range(n)),
        lambda n: f"y = X{n}",
        lambda n: f"y = 'rows {n}'",
        lambda n: f"y = {n if n == 2 else n + 0.5}",
    ],
)
def test_what_depends_on_the_rows_in_no_even_way(program: Any) -> None:
    with pytest.raises(OptionError) as caught:
        open_rows(program, "X")
    assert str(caught.value) == (
        "the forward pass depends on the number of rows in a way that a program for any number "
        "cannot follow: an activation or a layer of your own counts rows. net.graph(rows).program()"
        " is the program for so many."
    )


def test_numbers_that_grow_with_the_rows() -> None:
    text = open_rows(lambda n: f"y = f({n}, 7, (ä, {3 * n}), {n + 2})  # {n}\n", "X")
    assert text == "y = f(len(X), 7, (ä, (3 * len(X))), (len(X) + 2))  # 2\n"


# --- alone --------------------------------------------------------------------------------------

ALONE = """
import json, runpy, sys
sys.modules["chainrule"] = None
before = set(sys.modules)
import numpy as np, random, secrets
names = runpy.run_path("model.py")
y = names["predict"](np.array(json.loads(sys.argv[1])))
packages = {name.split(".")[0] for name in set(sys.modules) - before}
print(json.dumps([y.tolist(), sorted(packages - set(sys.stdlib_module_names))]))
"""


def alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", *arguments],
        cwd=folder, env={}, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip


def test_it_needs_numpy_and_nothing_else(tmp_path: Path) -> None:
    net = of_every_layer()
    net.export(tmp_path / "model.py")
    X = RNG.standard_normal((4, 2, 3))
    done = alone(tmp_path, "-c", ALONE, json.dumps(X.tolist()))
    assert done.stderr == ""
    found, packages = json.loads(done.stdout)
    assert packages == ["numpy"]
    np.testing.assert_allclose(found, net.predict(X), atol=1e-6)


def test_its_command(tmp_path: Path) -> None:
    net = cr.Sequential(cr.Dense(1, "sigmoid")).build(2, seed=3)
    save_python(net, tmp_path / "model.py", classes=["no", "ja, größer"])
    (tmp_path / "rows.csv").write_text("x1,x2\n1,0\n\n-2,0.5\n", encoding="utf-8")
    done = alone(tmp_path, "model.py", "rows.csv")
    assert (done.returncode, done.stderr) == (0, "")
    head, *rows = done.stdout.splitlines()
    assert head == 'prediction,probability_no,"probability_ja, größer"'
    p = net.predict([[1, 0], [-2, 0.5]])[:, 0]
    assert [float(row.split(",")[-1]) for row in rows] == pytest.approx(p, rel=1e-5)

    plain = cr.Sequential(cr.Dense(2)).build(2, seed=3)
    save_python(plain, tmp_path / "model.py")
    (tmp_path / "rows.csv").write_text("1;0\n-2;0.5\n", encoding="utf-8")
    done = alone(tmp_path, "model.py", "rows.csv")
    assert done.stdout.splitlines()[0] == "prediction_1,prediction_2"
    found = [[float(v) for v in row.split(",")] for row in done.stdout.splitlines()[1:]]
    np.testing.assert_allclose(found, plain.predict([[1, 0], [-2, 0.5]]), rtol=1e-6)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"1,2,3\n", "Error: rows.csv, line 1: 2 numbers were expected, got ['1', '2', '3'].\n"),
        (b"a,b\n1,2\n1,x\n", "Error: rows.csv, line 3: 2 numbers were expected, got ['1', 'x'].\n"),
        (b"1,2\n,nan\n", "Error: rows.csv, line 2: 2 numbers were expected, got ['', 'nan'].\n"),
        (b"", "Error: rows.csv has no rows of numbers.\n"),
        (
            "1,2\n".encode("utf-16"),
            "Error: rows.csv is text in UTF-16, and this program reads CSV files in UTF-8 alone: "
            "save it as UTF-8 (in a spreadsheet: 'CSV UTF-8').\n",
        ),
        (
            b"a,b\n1,\xe4\n",
            "Error: rows.csv, line 2: the byte e4 is not UTF-8. Save the file as UTF-8 (in a "
            "spreadsheet: 'CSV UTF-8').\n",
        ),
        (
            gzip.compress(b"1,2\n"),
            "Error: rows.csv is compressed with gzip, and this program reads CSV files in UTF-8 "
            "alone: unpack it.\n",
        ),
        (
            b"PAR1\x15\x04",
            "Error: rows.csv is a Parquet file, and this program reads CSV files in UTF-8 alone: "
            "write the table as CSV.\n",
        ),
        (
            b'{"a": 1, "b": 2}\n',
            "Error: rows.csv is JSON, and this program reads CSV files in UTF-8 alone: write its "
            "rows as CSV.\n",
        ),
        (
            b'1,2\n1,"2\n',
            "Error: rows.csv, in the row that begins on line 2: unexpected end of data. Perhaps a "
            "quote is not closed.\n",
        ),
        (None, "Error: [Errno 2] No such file or directory: 'rows.csv'.\n"),
    ],
)
def test_its_mistakes_are_lines(tmp_path: Path, content: bytes | None, told: str) -> None:
    save_python(cr.Sequential(cr.Dense(1)).build(2), tmp_path / "model.py")
    if content is not None:
        (tmp_path / "rows.csv").write_bytes(content)
    done = alone(tmp_path, "model.py", "rows.csv")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["-h"], 0), (["a", "b"], 2)])
def test_its_usage(tmp_path: Path, arguments: list[str], code: int) -> None:
    name = """a 'b' "c\\d"""
    save_python(cr.Sequential(cr.Dense(1)).build(2), tmp_path / f"{name}.py")
    done = alone(tmp_path, f"{name}.py", *arguments)
    assert (done.returncode, done.stdout) == (code, f"usage: python {name}.py rows.csv\n")


def test_pixels_as_counts(tmp_path: Path) -> None:
    net = cr.Sequential(cr.Flatten(), cr.Dense(2)).build((2, 2), seed=1)
    save_python(net, tmp_path / "model.py", largest=16)
    (tmp_path / "rows.csv").write_text("16,0,8,4\n")
    counts = alone(tmp_path, "model.py", "rows.csv").stdout
    (tmp_path / "rows.csv").write_text("1,0,0.5,0.25\n")
    assert alone(tmp_path, "model.py", "rows.csv").stdout == counts
    (tmp_path / "rows.csv").write_text("255,0,8,4\n")
    assert alone(tmp_path, "model.py", "rows.csv").stderr == (
        "Error: rows.csv holds values from 0 to 255; pixels go from 0 to 16, or from 0 to 1.\n"
    )


@pytest.mark.parametrize(
    ("X", "told"),
    [
        (np.ones((2, 3)), "X has shape (2, 3), and (rows, 2) was expected"),
        (np.ones(2), "X has shape (2,), and (rows, 2) was expected"),
        (1.0, "X has shape (), and (rows, 2) was expected"),
        ([[1.0, np.nan]], "X holds values that are not finite"),
    ],
)
def test_samples_that_do_not_fit(X: Any, told: str) -> None:
    predict = loaded(cr.Sequential(cr.Dense(1)).build(2).program())["predict"]
    with pytest.raises(ValueError) as caught:
        predict(X)
    assert str(caught.value) == told


def test_what_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ShapeError, match="the network has no parameters yet"):
        python_source(cr.Sequential(cr.Dense(1)))
    with pytest.raises(FileFormatError, match="is a folder"):
        save_python(cr.Sequential(cr.Dense(1)).build(2), tmp_path)
    monkeypatch.setattr("chainrule.formats.python_file.MOST_BYTES", 2**20)
    with pytest.raises(OptionError) as caught:
        python_source(cr.Sequential(cr.Dense(1000)).build(400))
    assert str(caught.value) == (
        "the parameters take 2 MiB, and Python would read a file with more than 1 very slowly. "
        "Export to ONNX, or keep the .safetensors."
    )


def test_the_ending_says_what_is_written(tmp_path: Path) -> None:
    net = cr.Sequential(cr.Dense(1)).build(2)
    with pytest.raises(OptionError) as caught:
        net.export(tmp_path / "net.pkl")
    assert str(caught.value) == (
        f"{tmp_path / 'net.pkl'}: the ending says what to export to, and .pkl is not known. Known: "
        ".onnx (a model for ONNX Runtime), .py (a program that needs NumPy alone), .pt (weights "
        "for PyTorch), .pth (weights for PyTorch), .safetensors (weights for PyTorch)."
    )
    for name in ("net.onnx", "net.py", "net.pt", "net.safetensors"):
        net.export(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 100

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as save_torch_file

import chainrule as cr
from chainrule.errors import FileFormatError, OptionError, ShapeError
from chainrule.formats import read_metadata
from chainrule.formats.safetensors_file import FORMAT
from chainrule.nn.layers import Layer
from chainrule.nn.losses import Loss

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 3))


def trained(dtype: str = "float32") -> cr.Sequential:
    net = cr.Sequential(
        cr.Dense(4, "tanh", weight_init="he_normal"), cr.BatchNorm(0.3, 1e-4), cr.Dropout(0.2),
        cr.LayerNorm(1e-3), cr.Activation("relu"), cr.Dense(2, "softmax", bias_init=0.1),
        dtype=dtype,
    )  # fmt: skip
    net.fit(X, (X[:, 0] > 0).astype(int), epochs=3)
    return net


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "net.safetensors"


def described(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(read_metadata(path)["architecture"])
    return found


def write(path: Path, architecture: str) -> None:
    """The file again, with another description of the network."""
    save_file(load_file(path), path, metadata={"format": FORMAT, "architecture": architecture})


def fails(path: Path, message: str) -> None:
    with pytest.raises(FileFormatError) as caught:
        cr.load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


# --- there and back -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_comes_back_bit_by_bit(path: Path, dtype: str) -> None:
    net = trained(dtype)
    net.save(path)
    again = cr.load(path)
    assert list(again.parameters) == list(net.parameters)
    assert list(again.statistics) == ["mean2", "var2"]
    for name, array in (net.parameters | net.statistics).items():
        found = (again.parameters | again.statistics)[name]
        assert found.dtype == array.dtype
        assert found.tobytes() == array.tobytes()
        assert found.flags.writeable
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    assert again.loss is net.loss
    assert again.dtype == net.dtype
    assert again.input_shape == net.input_shape
    assert again.summary() == net.summary()
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in net.layers]
    assert again.layers[1:5] == net.layers[1:5]
    assert again.evaluate(X, np.zeros(12)) == net.evaluate(X, np.zeros(12))


def test_training_goes_on_where_it_was(path: Path) -> None:
    net = trained()
    net.save(path)
    again = cr.load(str(path))
    y = np.zeros(12, int)
    net.fit(X, y, epochs=2, seed=5)
    again.fit(X, y, epochs=2, seed=5)
    for name, array in net.parameters.items():
        np.testing.assert_array_equal(again.parameters[name], array)


def test_numbers_that_are_not_plain_come_back(path: Path) -> None:
    net = cr.Sequential(cr.Dense(3, weight_init=0.0)).build(3)
    odd = [np.nan, np.inf, -np.inf, -0.0, 1e-45, 3.4e38, 1.0, np.pi, -1.0]
    net.parameters["W1"][...] = np.array(odd, np.float32).reshape(3, 3)
    net.save(path)
    assert cr.load(path).parameters["W1"].tobytes() == net.parameters["W1"].tobytes()


def test_pictures_numpy_numbers_and_views(path: Path) -> None:
    net = cr.Sequential(cr.Flatten(), cr.Dense(np.int64(2)), cr.Dropout(np.float32(0.5)))
    net.build((np.int64(2), 3))
    net.parameters["W1"] = np.asfortranarray(net.parameters["W1"])
    net.save(path)
    again = cr.load(path)
    assert again.input_shape == (2, 3)
    x = RNG.random((4, 2, 3))
    np.testing.assert_allclose(again.predict(x), net.predict(x), rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("huber", "huber"),
        (cr.mean_absolute_error, "mean_absolute_error"),
        (lambda p, t: cr.mean((p - t) ** 2), None),
        # A loss of the user's own under a known name is not the known one.
        (Loss("huber", lambda p, t: (p - t) ** 2), None),
    ],
)
def test_the_loss_is_kept_by_name_if_it_is_a_known_one(
    path: Path, loss: Any, expected: str | None
) -> None:
    net = cr.Sequential(cr.Dense(1))
    net.fit(X, X[:, 0], loss=loss, epochs=1)
    net.save(path)
    found = cr.load(path).loss
    assert (found.name if found else None) == expected


def test_a_loss_that_no_file_can_hold_is_asked_for(path: Path) -> None:
    def quartic(p: Any, t: Any) -> Any:
        return cr.mean((p - t) ** 4)

    net = cr.Sequential(cr.Dense(1))
    net.fit(X, X[:, 0], loss=quartic, epochs=1)
    net.save(path)
    again = cr.load(path)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    with pytest.raises(OptionError, match="trained by the loss 'quartic', a function"):
        again.evaluate(X, X[:, 0])
    again.save(path)
    twice = cr.load(path)
    with pytest.raises(OptionError, match="Give it again: loss="):
        twice.fit(X, X[:, 0], epochs=1)
    expected = net.evaluate(X, X[:, 0])
    assert twice.evaluate(X, X[:, 0], loss=quartic) == expected
    twice.fit(X, X[:, 0], loss="huber", epochs=1)
    twice.save(path)
    last = cr.load(path)
    assert (last.loss_for().name, last.lost_loss) == ("huber", "")


def test_a_known_function_is_kept_by_its_name(path: Path) -> None:
    net = cr.Sequential(cr.Dense(2, cr.tanh), cr.Activation(cr.softmax)).build(3)
    net.save(path)
    again = cr.load(path)
    assert again.layers[0].activation == "tanh"  # type: ignore[attr-defined]
    np.testing.assert_array_equal(again.predict(X), net.predict(X))


def test_metadata(path: Path) -> None:
    cr.save(trained(), path, {"note": "größer", "author": ""})
    found = read_metadata(path)
    assert found["note"] == "größer"
    assert found["author"] == ""
    assert found["format"] == "chainrule network 1"
    trained().save(path, note="new")
    assert read_metadata(path)["note"] == "new"
    with safe_open(str(path), framework="numpy") as file:  # any other program can read it
        assert set(file.keys()) == {
            "W1", "b1", "gamma2", "beta2", "gamma3", "beta3", "W4", "b4", "mean2", "var2",
        }  # fmt: skip


def test_the_file_tells_nothing_of_how_weights_began(path: Path) -> None:
    cr.Sequential(cr.Dense(2, weight_init=lambda shape, rng: np.ones(shape))).build(3).save(path)
    assert described(path) == {
        "layers": [{"kind": "Dense", "units": 2, "activation": None}],
        "dtype": "float32",
        "input_shape": [3],
        "loss": None,
    }


def test_a_layer_of_ones_own_comes_back_where_it_is_defined(path: Path) -> None:
    @dataclass(frozen=True)
    class Doubled(Layer):
        times: float = 2.0

        def forward(self, x: Any, p: Any, s: Any, mode: Any) -> Any:
            return x * self.times, {}

    net = cr.Sequential(Doubled(3.0), cr.Dense(1)).build(3)
    net.save(path)
    np.testing.assert_array_equal(cr.load(path).predict(X), net.predict(X))


# --- what cannot be saved -----------------------------------------------------------------------


def test_a_function_of_ones_own_is_refused(path: Path) -> None:
    def cube(x: Any) -> Any:
        return x**3

    for layer, name in ((cr.Dense(2, cube), "activation"), (cr.Activation(cube), "function")):
        net = cr.Sequential(layer).build(2)
        with pytest.raises(OptionError) as caught:
            net.save(path)
        assert str(caught.value) == (
            f"{layer!r} has a function of your own as {name}, which a file cannot hold without "
            "code. Use an activation by name, or save net.parameters yourself."
        )
    assert not path.exists()


def test_a_setting_that_is_no_text_is_refused(path: Path) -> None:
    @dataclass(frozen=True)
    class Odd(Layer):
        table: Any = None

        def forward(self, x: Any, p: Any, s: Any, mode: Any) -> Any:
            return x, {}

    with pytest.raises(OptionError, match=r"a layer has the setting array\(\[1.\]\), which a file"):
        cr.Sequential(Odd(np.ones(1))).build(2).save(path)
    with pytest.raises(OptionError, match=r"settings are numbers, texts and lists of them."):
        cr.Sequential(Odd({1, 2})).build(2).save(path)


@pytest.mark.parametrize("metadata", [{"format": "x"}, {"architecture": "x"}, {"epochs": 3}])
def test_metadata_that_would_spoil_the_file_are_refused(path: Path, metadata: Any) -> None:
    (name, value), *_ = metadata.items()
    with pytest.raises(OptionError) as caught:
        trained().save(path, **metadata)
    assert str(caught.value) == (
        f"metadata are texts with names other than format and architecture; got {name}={value!r}."
    )
    assert not path.exists()


def test_what_is_not_built_cannot_be_saved(path: Path) -> None:
    with pytest.raises(ShapeError, match="the network has no parameters yet"):
        cr.Sequential(cr.Dense(1)).save(path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        trained().save(tmp_path / "runs" / "net.safetensors")
    expected = f"there is no folder {tmp_path / 'runs'} to save net.safetensors in."
    assert str(caught.value) == expected


# --- files that are broken, or others' ----------------------------------------------------------

NO_SAFETENSORS = "is not a safetensors file, or it is broken or cut short: "


@pytest.mark.parametrize("read", [cr.load, read_metadata])
def test_no_file_and_a_folder(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        read(tmp_path / "none")
    assert str(missing.value) == f"there is no file {tmp_path / 'none'}."
    with pytest.raises(FileFormatError) as folder:
        read(tmp_path)
    assert str(folder.value) == f"{tmp_path} is a folder, not a model file."


@pytest.mark.parametrize(
    "content", [b"", b"\x00", b"PK\x03\x04 a zip", b"hello world, this is text", b"\xff" * 64]
)
def test_a_file_of_another_kind(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    fails(path, NO_SAFETENSORS)


def test_cut_short_at_many_lengths(path: Path) -> None:
    trained().save(path)
    whole = path.read_bytes()
    for length in sorted({*range(40), *range(40, len(whole), 37), len(whole) - 1}):
        path.write_bytes(whole[:length])
        fails(path, NO_SAFETENSORS)
    path.write_bytes(whole + b"\x00")
    fails(path, NO_SAFETENSORS)
    path.write_bytes(whole)
    assert cr.load(path).is_built


def test_a_corrupted_header_never_ends_in_another_error(path: Path) -> None:
    trained().save(path)
    whole = path.read_bytes()
    end = 8 + int.from_bytes(whole[:8], "little")
    rng = np.random.default_rng(0)
    failed = 0
    for place in [*range(8), *rng.integers(8, end, 250)]:
        spoilt = bytearray(whole)
        spoilt[place] ^= int(rng.integers(1, 256))
        path.write_bytes(spoilt)
        try:
            assert cr.load(path).is_built
        except FileFormatError:
            failed += 1
    assert failed > 200


def test_safetensors_of_somebody_else(path: Path) -> None:
    save_file({"weight": np.ones((2, 2))}, path)
    fails(
        path,
        "is a safetensors file, but not of a chainrule network: its metadata say format None and "
        "'chainrule network 1' was expected.",
    )
    save_torch_file({"w": torch.zeros(3, dtype=torch.bfloat16)}, path, metadata={"format": "pt"})
    fails(path, "its metadata say format 'pt' and 'chainrule network 1' was expected.")


def test_a_type_that_numpy_lacks(path: Path) -> None:
    net = cr.Sequential(cr.Dense(1)).build(1)
    net.save(path)
    arrays = {k: torch.zeros(a.shape, dtype=torch.bfloat16) for k, a in net.parameters.items()}
    save_torch_file(arrays, path, metadata=read_metadata(path))
    fails(path, "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("W1"), "the array W1 is missing; the layers need float32 (3, 4)."),
        (
            lambda a: a.update(W1=a["W1"].T.copy()),
            "the array W1 is float32 (4, 3); the layers need float32 (3, 4).",
        ),
        (
            lambda a: a.update(b1=a["b1"].astype(np.float64)),
            "the array b1 is float64 (4,); the layers need float32 (4,).",
        ),
        (lambda a: a.pop("var2"), "the array var2 is missing; the layers need float32 (4,)."),
    ],
)
def test_arrays_that_do_not_fit(path: Path, change: Callable[[Any], Any], message: str) -> None:
    trained().save(path)
    arrays, metadata = load_file(path), read_metadata(path)
    change(arrays)
    save_file(arrays, path, metadata=metadata)
    fails(path, message)


BROKEN = "the description of the network is broken: "


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["layers"][0].update(kind="Dens"), "'Dens' is not known. Did you mean 'Dense'"),
        (lambda d: d["layers"][0].update(kind="__import__"), "layer '__import__' is not known."),
        (lambda d: d["layers"][0].update(kind="os.system"), "layer 'os.system' is not known."),
        (lambda d: d["layers"][0].update(kind="Layer"), "layer 'Layer' is not known."),
        (lambda d: d["layers"][0].update(kind=["Dense"]), BROKEN),
        (lambda d: d["layers"][0].pop("kind"), BROKEN + "'kind'"),
        (lambda d: d["layers"][0].update(units="4"), "Dense needs a positive whole number"),
        (lambda d: d["layers"][0].update(activation="eval"), "activation 'eval' is not known."),
        (lambda d: d["layers"][0].update(activation={"a": 1}), BROKEN + "an activation is a name"),
        (lambda d: d["layers"][0].update(code="print()"), "Dense's option 'code' is not known."),
        (lambda d: d["layers"][0].update(units=10**30), BROKEN),
        (lambda d: d["layers"][0].update(units=10**15), BROKEN),
        (lambda d: d["layers"][1].update(momentum="x"), BROKEN),
        (lambda d: d["layers"].append("Dense"), BROKEN),
        (lambda d: d.update(layers=[]), "Sequential needs at least one layer"),
        (lambda d: d.update(layers=3), BROKEN),
        (lambda d: d.pop("layers"), BROKEN + "'layers'"),
        (lambda d: d.update(dtype="object"), "computes in float32 or float64, not object."),
        (lambda d: d.update(dtype="os"), "dtype 'os' is not known."),
        (lambda d: d.update(input_shape=[-1]), BROKEN + "the shape of one sample is made of"),
        (lambda d: d.update(input_shape="abc"), BROKEN + "the shape of one sample is made of"),
        (lambda d: d.update(input_shape=None), BROKEN + "the shape of one sample is made of"),
        (lambda d: d.update(input_shape=[10**30]), BROKEN),
        (lambda d: d.update(input_shape=[2, 2]), BROKEN + "Dense takes rows of numbers"),
        (lambda d: d.update(loss="exec"), BROKEN + "'exec'"),
        (lambda d: d.update(loss=[1]), BROKEN),
    ],
)
def test_a_description_that_is_broken_or_malicious(
    path: Path, change: Callable[[Any], Any], message: str
) -> None:
    trained().save(path)
    architecture = described(path)
    change(architecture)
    write(path, json.dumps(architecture))
    fails(path, message)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"a"', "[" * 100_000, "NaN"])
def test_a_description_that_is_no_description(path: Path, text: str) -> None:
    trained().save(path)
    write(path, text)
    fails(path, BROKEN)


def test_no_description_at_all(path: Path) -> None:
    save_file({"W1": np.ones((1, 1))}, path, metadata={"format": FORMAT})
    fails(path, BROKEN + "'architecture'")


def test_loading_unpickles_nothing(path: Path) -> None:
    trained().save(path)
    program = textwrap.dedent(
        f"""
        import builtins, marshal, pickle, sys
        import chainrule.api, chainrule.formats, safetensors.numpy
        seen = set(sys.modules)  # pickle among them, as NumPy imports it: so it is spoilt.

        def refuse(*arguments, **options):
            raise SystemExit("code was run")

        for module, names in ((pickle, ("load", "loads", "Unpickler")), (marshal, ("load",))):
            for name in names:
                setattr(module, name, refuse)
        evaluate, builtins.eval = builtins.eval, refuse
        net = chainrule.load({str(path)!r})
        builtins.eval = evaluate
        print(sorted(m for m in set(sys.modules) - seen if "pickle" in m or "torch" in m))
        print(net.predict([[1.0, 2.0, 3.0]]).shape)
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n(1, 2)\n", done.stderr
    source = Path(cr.formats.safetensors_file.__file__).read_text(encoding="utf-8")
    assert "pickle" not in source


# --- a save that does not come to its end -------------------------------------------------------


@pytest.mark.parametrize("where", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_save_that_fails_leaves_the_old_file_and_no_other(
    path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: type[BaseException]
) -> None:
    trained().save(path)
    old = path.read_bytes()
    other = cr.Sequential(cr.Dense(1)).build(3)

    def fail(*arguments: Any) -> None:
        raise error("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(os if where == "fsync" else Path, where, fail)
        with pytest.raises(error, match="the disk is full"):
            other.save(path)
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]
    other.save(path)
    assert list(cr.load(path).parameters) == ["W1", "b1"]
    assert list(path.parent.iterdir()) == [path]


def test_a_first_save_that_fails_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        trained().save(path)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("where", ["os.fsync", "pathlib.Path.replace", "half-way"])
def test_a_save_that_is_killed_leaves_the_old_file_whole(path: Path, where: str) -> None:
    trained().save(path)
    old = path.read_bytes()
    program = textwrap.dedent(
        f"""
        import os, pathlib, signal
        import chainrule as cr

        def die(*arguments, **options):
            os.kill(os.getpid(), signal.SIGKILL)

        class Half:
            def __init__(self, file):
                self.file = file
            def __enter__(self):
                return self
            def __exit__(self, *error):
                self.file.close()
            def write(self, content):
                self.file.write(content[: len(content) // 2])
                self.file.flush()
                die()

        if {where!r} == "half-way":
            opened = pathlib.Path.open
            pathlib.Path.open = lambda self, *a, **k: Half(opened(self, *a, **k))
        elif {where!r} == "os.fsync":
            os.fsync = die
        else:
            pathlib.Path.replace = die
        cr.Sequential(cr.Dense(500)).build(500).save({str(path)!r})
        print("saved")
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout == ""
    assert path.read_bytes() == old
    assert cr.load(path).is_built
    # What the dead left behind lies beside the file, hidden, and is in nobody's way.
    left = [p.name for p in path.parent.iterdir() if p != path]
    assert len(left) == 1
    assert left[0].startswith(".net.safetensors.")
    trained().save(path)
    assert cr.load(path).is_built

"""Weights to and from PyTorch, against real modules of PyTorch's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import chainrule as cr
from chainrule.errors import (
    DataError,
    DtypeError,
    FileFormatError,
    MissingPackageError,
    OptionError,
    ShapeError,
)
from chainrule.formats import load_torch, save_torch, to_torch, torch_source
from chainrule.formats.torch_modules import ACTIVATIONS
from chainrule.nn.layers import Layer

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 3))
Y = np.arange(24) % 2


def every_layer(dtype: str = "float32") -> cr.Sequential:
    return cr.Sequential(
        cr.Flatten(), cr.Dense(5, "tanh"), cr.BatchNorm(0.2, 1e-3), cr.Dropout(0.1),
        cr.LayerNorm(1e-4), cr.Activation("relu"), cr.Dense(4), cr.Dense(2, "softmax"),
        dtype=dtype,
    )  # fmt: skip


def trained(net: cr.Sequential, **options: Any) -> cr.Sequential:
    net.fit(X, Y, epochs=3, optimizer=cr.Adam(0.02), seed=0, **options)
    return net


def in_torch(net: cr.Sequential) -> nn.Module:
    """The model that the source writes down, with the network's arrays, each name in its place."""
    model: nn.Module = eval(torch_source(net), {"nn": nn})
    model.to(getattr(torch, net.dtype.name))
    model.load_state_dict({k: torch.from_numpy(a) for k, a in to_torch(net).items()}, strict=True)
    return model.eval()


def outputs(model: nn.Module, dtype: Any) -> np.ndarray[Any, Any]:
    with torch.no_grad():
        result: np.ndarray[Any, Any] = model(torch.from_numpy(X.astype(dtype))).numpy()
    return result


def alike(model: nn.Module, net: cr.Sequential) -> None:
    exact = net.dtype == np.float64
    np.testing.assert_allclose(
        outputs(model, net.dtype), net.predict(X), rtol=0, atol=1e-13 if exact else 1e-6
    )


# --- there --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_layer_gives_the_same_in_pytorch(dtype: str) -> None:
    net = trained(every_layer(dtype))
    assert abs(net.statistics["mean2"]).max() > 1e-3
    alike(in_torch(net), net)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "linear", None])
def test_every_activation_gives_the_same_in_pytorch(activation: str | None) -> None:
    net = cr.Sequential(cr.Dense(4, activation), cr.Dense(2, "softmax"), dtype="float64")
    alike(in_torch(trained(net)), net)
    alone = cr.Sequential(cr.Activation(activation or "linear"), cr.Dense(1), dtype="float64")
    alike(in_torch(alone.build(3)), alone)


def test_the_names_count_modules() -> None:
    net = every_layer().build(3)
    shapes = {name: array.shape for name, array in to_torch(net).items()}
    assert shapes == {
        "1.weight": (5, 3), "1.bias": (5,),
        "3.weight": (5,), "3.bias": (5,), "3.running_mean": (5,), "3.running_var": (5,),
        "3.num_batches_tracked": (),
        "5.weight": (5,), "5.bias": (5,),
        "7.weight": (4, 5), "7.bias": (4,), "8.weight": (2, 4), "8.bias": (2,),
    }  # fmt: skip


def test_the_arrays_are_copies_of_their_own() -> None:
    net = trained(every_layer())
    before = net.snapshot()
    for array in to_torch(net).values():
        assert array.flags.c_contiguous
        array[...] = 7
    for name, array in (net.parameters | net.statistics).items():
        np.testing.assert_array_equal(array, before[name])


def test_modules_of_ones_own_names(tmp_path: Path) -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.out = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            return torch.softmax(self.out(torch.tanh(self.hidden(x))), -1)

    net = trained(cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(2, "softmax")))
    save_torch(net, tmp_path / "w.pt", modules=["hidden", "out"])
    model = Model()
    model.load_state_dict(torch.load(tmp_path / "w.pt", weights_only=True))
    alike(model, net)
    again = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(2, "softmax"))
    load_torch(again, model.state_dict(), modules=["hidden", "out"])
    np.testing.assert_array_equal(again.predict(X), net.predict(X))


# --- and back -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".safetensors", ".pt", ".pth", "dict"])
def test_what_pytorch_trained_comes_home(tmp_path: Path, ending: str) -> None:
    torch.manual_seed(0)
    net = every_layer().build(3)
    model = in_torch(net).train()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(4):
        optimizer.zero_grad()
        nn.functional.nll_loss(
            torch.log(model(torch.tensor(X).float())), torch.tensor(Y)
        ).backward()
        optimizer.step()
    source: Any = model.state_dict()
    if ending != "dict":
        source = tmp_path / f"w{ending}"
        (save_file if ending == ".safetensors" else torch.save)(model.state_dict(), source)
    assert load_torch(net, source) is net
    alike(model.eval(), net)


@pytest.mark.parametrize("ending", [".safetensors", ".pt"])
def test_a_file_goes_there_and_back_bit_by_bit(tmp_path: Path, ending: str) -> None:
    net, path = trained(every_layer()), tmp_path / f"w{ending}"
    save_torch(net, str(path))
    again = load_torch(every_layer().build(3, seed=5), str(path))
    for name, array in (net.parameters | net.statistics).items():
        np.testing.assert_array_equal((again.parameters | again.statistics)[name], array)
    theirs = load_file(path) if ending == ".safetensors" else torch.load(path, weights_only=True)
    assert set(theirs) == set(to_torch(net))


def test_a_network_that_is_not_built_takes_its_size_from_the_weights() -> None:
    net = trained(cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(2, "softmax")))
    again = load_torch(cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(2, "softmax")), to_torch(net))
    assert again.input_shape == (3,)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
    with pytest.raises(ShapeError, match="the network has no parameters yet"):
        load_torch(every_layer(), to_torch(trained(every_layer())))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("as_file", [True, False])
def test_other_floats_are_cast(tmp_path: Path, dtype: Any, as_file: bool) -> None:
    state = {"0.weight": torch.full((2, 3), 0.375), "0.bias": torch.tensor([-0.5, 2.0])}
    source: Any = {k: v.to(dtype) for k, v in state.items()}
    if as_file:
        save_file(source, tmp_path / "w.safetensors")
        source = tmp_path / "w.safetensors"
    net = load_torch(cr.Sequential(cr.Dense(2)), source)
    assert net.parameters["W1"].dtype == np.float32
    np.testing.assert_array_equal(net.parameters["W1"], np.full((3, 2), 0.375))
    np.testing.assert_array_equal(net.parameters["b1"], [-0.5, 2.0])


# --- what does not fit --------------------------------------------------------------------------


def two() -> cr.Sequential:
    return cr.Sequential(cr.Dense(4, "tanh"), cr.BatchNorm(), cr.Dense(2)).build(3)


def without(state: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: array for name, array in state.items() if name not in names}


def renamed(state: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    return {name.replace(old, new): array for name, array in state.items()}


KNOWN = (
    " The network's names are 0.weight, 0.bias, 2.weight, 2.bias, 2.running_mean, 2.running_var, "
    "2.num_batches_tracked, 3.weight, 3.bias."
)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: without(s, "3.bias", "3.weight"), OptionError,
         "the state dict lacks 3.weight (W3 of layer 3 Dense), 3.bias (b3 of layer 3 Dense)."
         + KNOWN),
        (lambda s: {**s, "4.weight": s["0.weight"], "4.bias": s["0.bias"]}, OptionError,
         "the state dict holds 4.weight, 4.bias, for which the network has no place." + KNOWN),
        (lambda s: without(s, "3.bias"), OptionError,
         "the state dict lacks 3.bias (b3 of layer 3 Dense). A module without bias has none to "
         "load: add zeros under its name."),
        (lambda s: renamed(s, "3.bias", "3.bais"), OptionError, "the state dict lacks 3.bias (b3 of"
         " layer 3 Dense) and holds 3.bais, for which the network has no place."),
        (lambda s: renamed(s, "3.", "out."), OptionError, "If they come in this order, say so: "
         "modules=['0', '2', 'out']."),
        (lambda s: {"state_dict": s, "epoch": 3}, OptionError,
         "It holds a dict itself: hand over the dict at 'state_dict'."),
        (lambda s: s | {"0.weight": s["0.weight"].T}, ShapeError,
         "the state dict: 0.weight has shape (3, 4); layer 1 Dense (W1) needs (4, 3). It seems to "
         "be transposed: in PyTorch a weight is (outputs, inputs)."),
        (lambda s: s | {"2.running_var": np.ones(3)}, ShapeError,
         "the state dict: 2.running_var has shape (3,); layer 2 BatchNorm (var2) needs (4,)."),
        (lambda s: s | {"3.bias": np.ones(2, int)}, DtypeError,
         "the state dict: 3.bias holds int64; float32 was expected."),
        (lambda s: s | {"3.bias": "ones"}, DtypeError,
         "the state dict: 3.bias holds str; float32 was expected."),
        (lambda s: s | {"3.bias": [[1.0], [1.0, 2.0]]}, DtypeError,
         "the state dict: 3.bias holds list; float32 was expected."),
        (lambda s: s | {"3.bias": torch.eye(2).to_sparse()}, DtypeError,
         "the state dict: 3.bias holds Tensor; float32 was expected."),
        (lambda s: s | {"3.bias": np.array([1.0, 1e39])}, DataError,
         "the state dict: 3.bias holds numbers too large for float32. Make the network with "
         'dtype="float64".'),
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_leaves_the_network_whole(
    change: Any, error: type[Exception], message: str
) -> None:
    net = two()
    before = net.snapshot()
    state = to_torch(cr.Sequential(*net.layers).build(3, seed=9))
    with pytest.raises(error) as caught:
        load_torch(net, change(state))
    assert message in str(caught.value)
    for name, array in (net.parameters | net.statistics).items():
        np.testing.assert_array_equal(array, before[name])
    unbuilt = cr.Sequential(*net.layers)
    with pytest.raises(error):
        load_torch(unbuilt, change(state))
    assert not unbuilt.is_built


@pytest.mark.parametrize("names", [["a"], ["a", "b", "b"], ["a", "b", "c", "d"], "abc"])
def test_modules_must_be_named_one_by_one(names: Any) -> None:
    with pytest.raises(OptionError) as caught:
        to_torch(two(), modules=names)
    assert str(caught.value) == (
        "modules names the 3 modules with arrays, each by its own name, in order (layer 1 Dense, "
        f"layer 2 BatchNorm, layer 3 Dense); got {names!r}."
    )


def test_what_pytorch_has_no_module_for() -> None:
    net = trained(cr.Sequential(cr.Dense(4, "sin"), cr.Dense(2, "softmax")))
    assert list(to_torch(net)) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    with pytest.raises(OptionError, match="PyTorch has no module that does what layer 1 Dense doe"):
        torch_source(net)
    wide = cr.Sequential(cr.BatchNorm(), cr.Flatten()).build((2, 3))
    with pytest.raises(OptionError, match="what layer 1 BatchNorm does, so that it cannot be writ"):
        torch_source(wide)

    class Own(Layer):
        def forward(self, x: Any, p: Any, s: Any, mode: Any) -> Any:
            return x, {}

    with pytest.raises(OptionError, match="layer 1 Own is a layer of your own, and what it is in"):
        to_torch(cr.Sequential(Own()).build(2))
    with pytest.raises(ShapeError, match="the network has no parameters yet"):
        to_torch(cr.Sequential(cr.Dense(1)))


# --- files --------------------------------------------------------------------------------------


class Nasty:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('code of the file was run')",)


def test_files_that_are_none(tmp_path: Path) -> None:
    def fails(name: str, error: type[Exception], message: str) -> None:
        with pytest.raises(error) as caught:
            load_torch(two(), tmp_path / name)
        assert message in str(caught.value)

    fails("none.pt", FileNotFoundError, "there is no file")
    for name in ("w.pt", "w.safetensors"):
        for content in (b"", b"hello", b"\x80\x04."):
            (tmp_path / name).write_bytes(content)
            fails(name, FileFormatError, f"{name} is not a ")
    torch.save({"w": Nasty()}, tmp_path / "w.pt")
    fails("w.pt", FileFormatError, "torch.save(model.state_dict(), path): the numbers and not the")
    torch.save(nn.Linear(2, 2), tmp_path / "w.pt")
    fails("w.pt", FileFormatError, "w.pt is not a file of PyTorch tensors alone")
    torch.save(torch.ones(2), tmp_path / "w.pt")
    fails("w.pt", FileFormatError, "w.pt holds Tensor, and a state dict was expected")
    (tmp_path / "w.h5").write_bytes(b"x")
    fails("w.h5", OptionError, "in a file that ends with .safetensors, .pt or .pth, not .h5.")
    for call in (lambda p: save_torch(two(), p), lambda p: load_torch(two(), p)):
        with pytest.raises(FileFormatError, match="is a folder"):
            call(tmp_path)
        with pytest.raises(OptionError, match="a model file is named by a path"):
            call(3)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        save_torch(two(), tmp_path / "no" / "w.pt")
    with pytest.raises(OptionError, match="not without an ending"):
        save_torch(two(), tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_without_pytorch_safetensors_still_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'chainrule\[torch\]'"):
        save_torch(two(), tmp_path / "w.pt")
    save_torch(two(), tmp_path / "w.safetensors")
    assert load_torch(two(), tmp_path / "w.safetensors").is_built

"""State dicts: the arrays of a network under the names and in the layout of PyTorch.

There a weight is (outputs, inputs), the transpose of ours, and ``torch.nn.Sequential`` names it by
the number of its module: 0.weight, 0.bias, 2.weight, ...
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import (
    DataError,
    DtypeError,
    FileFormatError,
    OptionError,
    ShapeError,
    near,
    optional_package,
)
from chainrule.formats.torch_modules import modules as modules_of
from chainrule.formats.whole_file import check_place, check_source, path_of, write_whole
from chainrule.graph.op import Array
from chainrule.nn.layers import Flatten
from chainrule.nn.sequential import Sequential

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "?", "U8": "u1", "I8": "i1",
    "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8", "I64": "<i8",
}  # fmt: skip
"""How NumPy calls the types of a safetensors file."""
#: What PyTorch's BatchNorm counts beside its statistics; nothing here depends on it.
COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class _Entry:
    """One array: its name there, its name here (None: the counter), and whether it is turned."""

    name: str
    ours: str | None
    layer: str
    is_turned: bool


def to_torch(net: Sequential, *, modules: Sequence[str] | None = None) -> dict[str, Array]:
    """The arrays of a network as PyTorch's ``state_dict()`` would have them: copies.

    In PyTorch: ``model.load_state_dict({k: torch.from_numpy(a) for k, a in state.items()})``, into
    the model that :func:`torch_source` writes down.

    Args:
        modules: what the modules with arrays are called there, in order, such as ``["fc1",
            "fc2"]``; by default their numbers in a ``torch.nn.Sequential``.

    Raises:
        OptionError: a layer of your own, or not one name for each module.
        ShapeError: a network that is not built.
    """
    arrays = net.parameters | net.statistics
    state = {}
    for entry in _entries(net, modules):
        if entry.ours is None:
            state[entry.name] = np.zeros((), np.int64)
        else:
            array = arrays[entry.ours]
            state[entry.name] = np.array(array.T if entry.is_turned else array, order="C")
    return state


def save_torch(
    net: Sequential, path: str | Path, *, modules: Sequence[str] | None = None
) -> None:  # fmt: skip
    """Write :func:`to_torch` to a file: ``.safetensors``, or ``.pt`` where PyTorch is installed.

    Raises:
        OptionError: another ending, or as :func:`to_torch`.
        MissingPackageError: ``.pt`` without PyTorch.
    """
    path = path_of(path, "weights.safetensors")
    check_place(path)
    state = to_torch(net, modules=modules)
    if path.suffix == ".safetensors":
        from safetensors.numpy import save

        write_whole(path, save(state, metadata={"format": "pt"}))
        return
    _require_known_ending(path)
    import io

    torch = optional_package("torch", "torch", "A .pt file")
    content = io.BytesIO()
    torch.save({name: torch.from_numpy(array) for name, array in state.items()}, content)
    write_whole(path, content.getvalue())


def load_torch(
    net: Sequential, source: Mapping[str, Any] | str | Path, *, modules: Sequence[str] | None = None
) -> Sequential:
    """Put the numbers of a PyTorch state dict into a network; returns the network.

    All of them or, where anything does not fit, none. A network that is not built takes the size
    of its inputs from the first array. Numbers are cast to the network's dtype.

    Args:
        source: the state dict (of tensors or arrays), or a ``.safetensors``, ``.pt`` or ``.pth``
            file of one. Reading ``.pt`` needs PyTorch, and runs no code from the file.
        modules: as for :func:`to_torch`.

    Raises:
        OptionError: names that are missing, or that the network has no place for.
        ShapeError, DtypeError, DataError: an array of another shape, not of floats, or too large.
        FileFormatError, FileNotFoundError: the file is broken or not there.
    """
    if isinstance(source, Mapping):
        where, state = "the state dict", source
    else:
        path = path_of(source, "weights.safetensors")
        where, state = str(path), _read(path)
    shape = None if net.is_built else _input_shape(net, state, modules, where)
    like = net if shape is None else Sequential(*net.layers, dtype=net.dtype).build(shape)
    entries = list(_entries(like, modules))
    _check_names(entries, state, where)
    wanted = like.parameters | like.statistics
    fresh = {
        entry.ours: _fitting(entry, state[entry.name], wanted[entry.ours], where)
        for entry in entries
        if entry.ours is not None
    }
    if shape is not None:
        net.build(shape)
    net.restore(fresh)
    return net


def _entries(net: Sequential, names: Sequence[str] | None) -> Iterator[_Entry]:
    found = modules_of(net)
    owners = {place: module for place, module in enumerate(found) if module.arrays}
    called = dict(zip(owners, map(str, owners), strict=True))
    if names is not None:
        if isinstance(names, str) or len(set(names)) != len(owners) or len(names) != len(owners):
            layers = ", ".join(module.layer for module in owners.values()) or "none"
            raise OptionError(
                f"modules names the {len(owners)} modules with arrays, each by its own name, in "
                f"order ({layers}); got {names!r}."
            )
        called = dict(zip(owners, names, strict=True))
    for place, module in owners.items():
        for short, ours in module.arrays.items():
            is_turned = module.is_linear and short == "weight"
            yield _Entry(f"{called[place]}.{short}", ours, module.layer, is_turned)
        if module.counts_batches:
            yield _Entry(f"{called[place]}.{COUNTER}", None, module.layer, False)


def _input_shape(
    net: Sequential, state: Mapping[str, Any], names: Sequence[str] | None, where: str
) -> tuple[int, ...]:
    """The shape of one sample, from the weights that meet it."""
    if any(isinstance(layer, Flatten) for layer in net.layers):
        net._built_shape()  # says that the network must be built: many shapes give one row
    entries = list(_entries(Sequential(*net.layers).build(1), names))
    _check_names(entries, state, where)
    sizes: tuple[int, ...] = np.shape(state[entries[0].name]) if entries else ()
    if not sizes:
        net._built_shape()
    return (int(sizes[-1]),)


def _check_names(entries: Sequence[_Entry], state: Mapping[str, Any], where: str) -> None:
    """Refuse a state whose names are not those of the entries, the counters left aside."""
    known = {entry.name for entry in entries}
    missing = [entry for entry in entries if entry.ours and entry.name not in state]
    others = [str(name) for name in state if name not in known]
    if not missing and not others:
        return
    said = []
    if missing:
        names = ", ".join(f"{e.name} ({e.ours} of {e.layer})" for e in missing[:5])
        rest = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        said.append(f"lacks {names}{rest}")
    if others:
        rest = f" and {len(others) - 5} more" if len(others) > 5 else ""
        said.append(f"holds {', '.join(others[:5])}{rest}, for which the network has no place")
    hint = _names_hint(entries, state)
    if not hint and missing and others:
        hint = near(missing[0].name, others)
    raise OptionError(f"{where} {' and '.join(said)}.{hint}")


def _names_hint(entries: Sequence[_Entry], state: Mapping[str, Any]) -> str:
    """What else the names may mean: other names of the modules, or a dict within the dict."""
    inner = [str(name) for name, value in state.items() if isinstance(value, Mapping)]
    if inner:
        return f" It holds a dict itself: hand over the dict at {inner[0]!r}."

    def by_module(names: Iterable[str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name in names:
            module, _, short = name.rpartition(".")
            if short != COUNTER:
                found.setdefault(module, set()).add(short)
        return found

    ours = by_module(entry.name for entry in entries)
    theirs = by_module(map(str, state))
    if list(ours.values()) == list(theirs.values()):
        return f" If they come in this order, say so: modules={list(theirs)}."
    if any("weight" in short and "bias" not in short for short in theirs.values()):
        return " A module without bias has none to load: add zeros under its name."
    return f" The network's names are {', '.join(e.name for e in entries)}."


def _fitting(entry: _Entry, value: Any, like: Array, where: str) -> Array:
    """The array as the network needs it."""
    array = _as_array(value)
    if array is None or array.dtype.kind != "f":
        given = type(value).__name__ if array is None else array.dtype
        raise DtypeError(f"{where}: {entry.name} holds {given}; {like.dtype} was expected.")
    wanted = like.shape[::-1] if entry.is_turned else like.shape
    if array.shape != wanted:
        hint = ""
        if entry.is_turned and array.shape == like.shape:
            hint = " It seems to be transposed: in PyTorch a weight is (outputs, inputs)."
        raise ShapeError(
            f"{where}: {entry.name} has shape {array.shape}; {entry.layer} ({entry.ours}) needs "
            f"{wanted}.{hint}"
        )
    with np.errstate(over="ignore"):
        cast = (array.T if entry.is_turned else array).astype(like.dtype)
    if (np.isfinite(cast) != np.isfinite(array.T if entry.is_turned else array)).any():
        raise DataError(
            f"{where}: {entry.name} holds numbers too large for {like.dtype}. Make the network "
            'with dtype="float64".'
        )
    return cast


def _as_array(value: Any) -> Array | None:
    """A tensor of PyTorch's, or an array, as a NumPy array; None for what is neither."""
    if hasattr(value, "detach"):
        try:
            value = value.detach().cpu()
            return np.asarray(value.double() if value.is_floating_point() else value)
        except (TypeError, RuntimeError):  # quantised, sparse: no array holds such
            return None
    if not isinstance(value, np.ndarray | np.generic | list | tuple):
        return None
    try:
        return np.asarray(value)
    except ValueError:  # lists of different lengths
        return None


def _read(path: Path) -> Mapping[str, Any]:
    check_source(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    _require_known_ending(path)
    torch = optional_package("torch", "torch", f"Reading {path.name}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old pickles: that they fail is told below
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file of another kind ends its reader in all sorts of errors
        raise FileFormatError(
            f"{path} is not a file of PyTorch tensors alone, or it is cut short. In PyTorch write "
            "torch.save(model.state_dict(), path): the numbers and not the model, whose code "
            "would have to be run."
        ) from error
    if not isinstance(state, Mapping):
        raise FileFormatError(
            f"{path} holds {type(state).__name__}, and a state dict was expected: in PyTorch write "
            "torch.save(model.state_dict(), path)."
        )
    return state


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    import safetensors

    try:
        entries = safetensors.deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
    except (safetensors.SafetensorError, OSError) as error:
        raise FileFormatError(
            f"{path} is not a safetensors file, or it is broken or cut short: {error}."
        ) from error
    state = {}
    for name, entry in entries:
        kind, data = entry["dtype"], entry["data"]
        if kind == "BF16":  # the upper half of a float32
            flat = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
        elif kind in _DTYPES:
            flat = np.frombuffer(data, _DTYPES[kind])
        else:
            raise FileFormatError(f"{path}: {name} is of type {kind}, which NumPy lacks.")
        state[name] = flat.reshape(entry["shape"])
    return state


def _require_known_ending(path: Path) -> None:
    if path.suffix not in (".pt", ".pth"):
        raise OptionError(
            f"{path}: weights for PyTorch are kept in a file that ends with .safetensors, .pt or "
            f".pth, not {path.suffix or 'without an ending'}."
        )

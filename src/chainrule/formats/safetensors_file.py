"""A network in a safetensors file: arrays by name, and the architecture as JSON in the metadata.

Loading reads numbers and text and runs no code: layers are found by name among chainrule's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import FileFormatError, OptionError, unknown_name
from chainrule.formats.whole_file import check_place, check_source, path_of, write_whole
from chainrule.nn.activations import NAMED as NAMED_ACTIVATIONS
from chainrule.nn.layers import LAYERS, Layer
from chainrule.nn.losses import NAMED as LOSSES
from chainrule.nn.losses import huber_delta, huber_loss
from chainrule.nn.sequential import Sequential

FORMAT, OURS = "chainrule network 1", "a chainrule network"

#: What a description raises that asks for sizes or depths beyond all measure.
_TOO_MUCH = (OverflowError, MemoryError, RecursionError)


def save(net: Sequential, path: str | Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a network. The file appears whole or not at all: an older one stays until then.

    Args:
        path: where to; ``.safetensors`` is the usual ending.
        metadata: more text to keep beside the architecture, as :func:`read_metadata` gives it.

    Raises:
        OptionError: a layer with a function or a setting of the user's own, which no file can hold;
            metadata that are not text, or named as what chainrule itself keeps there.
        ShapeError: a network that is not built.
        FileNotFoundError: the folder does not exist.
    """
    from safetensors.numpy import save as to_bytes

    path = _path(path)
    check_place(path)
    architecture = {
        "layers": [_described(layer) for layer in net.layers],
        "dtype": net.dtype.name,
        "input_shape": list(net._built_shape()),
        "loss": None,
    }
    if net.loss is None:
        own = net.lost_loss
    elif net.loss in LOSSES.values():
        architecture["loss"], own = net.loss.name, ""
    elif (delta := huber_delta(net.loss)) is not None:
        architecture |= {"loss": net.loss.name, "huber_delta": delta}
        own = ""
    else:  # though it may bear the name of a known one
        own = net.loss.name
    if own:
        architecture["own_loss"] = own
    text = {"format": FORMAT, "architecture": json.dumps(architecture, default=_plain)}
    for name, value in (metadata or {}).items():
        if name in text or not isinstance(value, str):
            raise OptionError(
                f"metadata are texts with names other than {' and '.join(text)}; got "
                f"{name}={value!r}."
            )
    text |= metadata or {}
    arrays = {
        name: np.ascontiguousarray(a) for name, a in (net.parameters | net.statistics).items()
    }
    write_whole(path, to_bytes(arrays, metadata=text))


def load(path: str | Path) -> Sequential:
    """Read a network that :func:`save` wrote.

    Raises:
        FileNotFoundError: no such file.
        FileFormatError: broken, cut short, or not a chainrule network; the text says which.
    """
    arrays, metadata = read_arrays(_path(path), FORMAT, OURS)
    try:
        described = json.loads(metadata["architecture"])
        layers = [_layer(entry) for entry in described["layers"]]
        net = Sequential(*layers, dtype=described["dtype"]).build(described["input_shape"])
        net.loss = LOSSES[described["loss"]] if described["loss"] else None
        if "huber_delta" in described:
            net.loss = huber_loss(described["huber_delta"])
        net.lost_loss = str(described.get("own_loss", ""))
    except (LookupError, TypeError, ValueError, AttributeError, *_TOO_MUCH) as error:
        raise FileFormatError(
            f"{path}: the description of the network is broken: {error}"
        ) from error
    for name, array in (net.parameters | net.statistics).items():
        found = arrays.get(name)
        if found is None or found.shape != array.shape or found.dtype != array.dtype:
            given = "is missing" if found is None else f"is {found.dtype} {found.shape}"
            raise FileFormatError(
                f"{path}: the array {name} {given}; the layers need {array.dtype} {array.shape}."
            )
        array[...] = found
    return net


def read_metadata(path: str | Path) -> dict[str, str]:
    """The text kept in a network's file.

    Raises:
        FileNotFoundError, FileFormatError: as :func:`load`.
    """
    return read_arrays(_path(path), FORMAT, OURS)[1]


def _path(path: Any) -> Path:
    return path_of(path, "net.safetensors")


def read_arrays(path: Path, expected: str, what: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The arrays and the metadata of a safetensors file whose format is the ``expected`` one.

    Raises:
        FileNotFoundError: no such file.
        FileFormatError: broken, cut short, or another format than that of ``what``.
    """
    from safetensors import SafetensorError, safe_open

    check_source(path)
    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            # Before the arrays, which elsewhere may be huge, or of types that NumPy lacks.
            if metadata.get("format") != expected:
                raise FileFormatError(
                    f"{path} is a safetensors file, but not of {what}: its metadata say format "
                    f"{metadata.get('format')!r} and {expected!r} was expected."
                )
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError) as error:
        raise FileFormatError(
            f"{path} is not a safetensors file, or it is broken or cut short: {error}."
        ) from error
    return arrays, metadata


def _described(layer: Layer) -> dict[str, Any]:
    settings = layer.settings()
    for name, value in list(settings.items()):
        if name.endswith("_init"):
            # How the parameters once began is of no use to who loads them.
            del settings[name]
        elif callable(value) and value in NAMED_ACTIVATIONS.values():
            settings[name] = next(k for k, known in NAMED_ACTIVATIONS.items() if known is value)
        elif callable(value):
            raise OptionError(
                f"{layer!r} has a function of your own as {name}, which a file cannot hold "
                "without code. Use an activation by name, or save net.parameters yourself."
            )
    return {"kind": type(layer).__name__, **settings}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise OptionError(
        f"a layer has the setting {value!r}, which a file cannot hold: settings are numbers, "
        "texts and lists of them."
    )


def _layer(entry: dict[str, Any]) -> Layer:
    kind = entry["kind"]
    if kind not in LAYERS:
        raise unknown_name("layer", kind, LAYERS)
    return LAYERS[kind](**{name: value for name, value in entry.items() if name != "kind"})

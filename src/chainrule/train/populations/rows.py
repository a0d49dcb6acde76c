"""Rows: what each network of a population is trained on, and what it is validated on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph.op import Array
from chainrule.nn import fitting
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.train import checks


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a data set: the same for all networks, or each network its own.

    ``index`` is (networks, rows), the places in ``data`` of each network's rows; None for all rows
    of ``data``, which then are the same for all.
    """

    data: Mapping[str, Array]
    index: Array | None = None

    def __len__(self) -> int:
        return len(self.data["x"]) if self.index is None else int(self.index.shape[1])

    def at(self, places: slice | Array) -> slice | Array:
        """Where in ``data`` the rows at some places of these are: of each network, or of all."""
        if self.index is None:
            return places
        if isinstance(places, slice):
            return self.index[:, places]
        return np.take_along_axis(self.index, np.atleast_2d(places), 1)

    def gather(self, places: slice | Array, into: Mapping[str, Array], axis: int) -> None:
        """Copy the rows at some places, those of each network along ``axis``."""
        found = self.at(places)
        for name, buffer in into.items():
            if isinstance(found, slice) or found.ndim == 1:
                buffer[...] = self.data[name][found]
            else:
                buffer[...] = np.moveaxis(self.data[name].take(found, 0, mode="clip"), 0, axis)

    def buffers(self, rows: int, networks: int, is_own: bool, axis: int) -> dict[str, Array]:
        """Room for so many rows, of each network or of all."""
        made = {}
        for name, array in self.data.items():
            shape = (rows, *array.shape[1:])
            own = (networks, *shape) if axis == 0 else (*shape, networks)
            made[name] = np.empty(own if is_own else shape, array.dtype)
        return made


class Shares:
    """The data for networks of one form, checked once, and each network's share of it.

    ``net`` is one of them. A share for validation is drawn from each network's own ``rng``, as
    ``fit`` would; the same seeds get the same rows.
    """

    def __init__(
        self, nets: Sequence[Sequential], rngs: Sequence[np.random.Generator], X: Any, y: Any,
        loss: Any, sample_weight: Any, class_weight: Any, validation: Any,
    ) -> None:  # fmt: skip
        self.net = nets[0]
        self.loss: Loss = self.net.loss_for(loss)
        checks.outputs(self.net, self.loss)
        x = fitting.inputs(X, self.net.dtype, self.net.input_shape)
        self._data = checks.training_data(self.net, self.loss, x, y, sample_weight, class_weight)
        self._pair: dict[str, Array] | None = None
        self._parts: tuple[Array, Array] | None = None
        if isinstance(validation, tuple | list):
            self._pair = checks.validation_data(self.net, self.loss, validation)
        elif validation is not None:
            parts = [checks.held_out(self._data, validation, rng) for rng in rngs]
            self._parts = np.stack([p[0] for p in parts]), np.stack([p[1] for p in parts])

    @property
    def rows(self) -> int:
        """How many rows each network is trained on."""
        return len(self._data["x"]) if self._parts is None else self._parts[0].shape[1]

    def training(self, members: Array) -> Rows:
        """The rows that some of the networks are trained on."""
        if self._parts is None:
            return Rows(self._data)
        return _part(self._data, self._parts[0][members])

    def held(self, members: Array) -> Rows | None:
        """The rows that they are validated on."""
        if self._pair is not None:
            return Rows(self._pair)
        if self._parts is None:
            return None
        # What is held back is scored without weights.
        unweighted = {name: array for name, array in self._data.items() if name != "w"}
        return _part(unweighted, self._parts[1][members])


def _part(data: dict[str, Array], index: Array) -> Rows:
    if (index == index[0]).all():
        return Rows({name: array[index[0]] for name, array in data.items()})
    return Rows(data, index)

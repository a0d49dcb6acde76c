"""Sequential: layers one after the other, with their parameters: a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import OptionError, ShapeError, Teaching, unknown_name
from chainrule.graph.graph import Graph
from chainrule.graph.notes import Notes
from chainrule.graph.op import Array, Shape
from chainrule.graph.recording import every_node, sources_of, within
from chainrule.graph.tensor import Tensor, placeholder
from chainrule.nn import fitting
from chainrule.nn.activations import activation_name
from chainrule.nn.inference import Inference
from chainrule.nn.labels import classes
from chainrule.nn.layers import Activation, Dense, Layer, Mode, Tensors
from chainrule.nn.losses import Loss, loss
from chainrule.nn.metrics import metrics_of
from chainrule.nn.summary import summary

if TYPE_CHECKING:
    from chainrule.train.history import History


@dataclass(frozen=True)
class _Placed:
    """A layer in its place: the shape it gives, and the full names of what it owns."""

    layer: Layer
    output: Shape
    parameters: dict[str, str]
    statistics: dict[str, str]


class Sequential(metaclass=Teaching):
    """A network: each layer's output is the next one's input.

    >>> import chainrule as cr
    >>> net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1, "sigmoid"))

    Sizes of inputs are inferred at the first sight of data, or given to :meth:`build`. Then
    ``parameters`` holds the arrays under their textbook names, W1, b1, W2, b2, ... (the number
    counts layers that have arrays), and ``statistics`` those of BatchNorm.

    Args:
        layers: in order.
        dtype: "float32" or "float64", of parameters and computation.

    Raises:
        OptionError: no layer, something that is not a layer, or another dtype.
    """

    def __init__(self, *layers: Layer, dtype: Any = "float32") -> None:
        if not layers:
            raise OptionError("Sequential needs at least one layer, such as cr.Dense(1).")
        for layer in layers:
            if not isinstance(layer, Layer):
                raise OptionError(
                    f"Sequential is made of layers, got {layer!r}. An activation by itself is "
                    "cr.Activation('tanh'); layers are listed, not put in a list."
                )
        try:
            self.dtype = np.dtype(dtype)
        except TypeError:
            raise unknown_name("dtype", dtype, ("float32", "float64")) from None
        if self.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise OptionError(f"Sequential computes in float32 or float64, not {self.dtype}.")
        self.layers = tuple(layers)
        self.input_shape: Shape | None = None
        self.parameters: dict[str, Array] = {}
        self.statistics: dict[str, Array] = {}
        #: The loss of the last fit: what ``evaluate`` uses unless told otherwise.
        self.loss: Loss | None = None
        #: The name of the loss that a file could not hold, of a network that was read from it.
        self.lost_loss = ""
        self._placed: list[_Placed] = []
        self._inference = Inference(self)

    # --- building ------------------------------------------------------------------------------

    def build(self, input_shape: int | Sequence[int], seed: Any = 0) -> Sequential:
        """Give every layer new parameters, for samples of ``input_shape``; returns the network.

        Args:
            input_shape: the shape of one sample: 784, (784,) or (28, 28).
            seed: a seed or a ``numpy.random.Generator``.

        Raises:
            ShapeError: not a shape, or a layer cannot take what the one before it gives.
        """
        rng = np.random.default_rng(seed)
        shape = _sizes(input_shape)
        self.input_shape = shape
        self.parameters, self.statistics = {}, {}
        self._placed = []
        number = 0
        for layer in self.layers:
            made = layer.build(shape, rng, self.dtype)
            kept = layer.statistics(shape, self.dtype)
            number += bool(made or kept)
            shape = layer.output_shape(shape)
            place = _Placed(
                layer, shape, {k: f"{k}{number}" for k in made}, {k: f"{k}{number}" for k in kept}
            )
            self._placed.append(place)
            self.parameters |= {place.parameters[k]: array for k, array in made.items()}
            self.statistics |= {place.statistics[k]: array for k, array in kept.items()}
        self._inference = Inference(self)
        return self

    @property
    def is_built(self) -> bool:
        """Whether the sizes are known and there are parameters."""
        return self.input_shape is not None

    def shapes(self) -> Iterator[tuple[Layer, Shape, dict[str, Array]]]:
        """Each layer with the shape of its output and its parameters by their full names."""
        self._built_shape()
        for place in self._placed:
            names = place.parameters.values()
            yield place.layer, place.output, {name: self.parameters[name] for name in names}

    @property
    def output_shape(self) -> Shape:
        """The shape of one output."""
        self._built_shape()
        return self._placed[-1].output

    def _built_shape(self) -> Shape:
        if self.input_shape is None:
            raise ShapeError(
                "the network has no parameters yet, because it has seen no data: call "
                "fit(X, y), or build(input_shape) with the shape of one sample."
            )
        return self.input_shape

    # --- forward -------------------------------------------------------------------------------

    def forward(
        self, x: Tensor, parameters: Tensors, statistics: Tensors, mode: Mode
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Record the forward pass: outputs, and the new statistics by their full names."""
        moved: dict[str, Tensor] = {}
        for i, place in enumerate(self._placed):
            own = {short: parameters[name] for short, name in place.parameters.items()}
            kept = {short: statistics[name] for short, name in place.statistics.items()}
            with within(f"{i + 1} {type(place.layer).__name__}"):
                x, new = place.layer.forward(
                    x, own, kept, Mode(mode.training, mode.key, stream=mode.stream + i)
                )
            moved |= {place.statistics[short]: value for short, value in new.items()}
        return x, moved

    def __call__(self, X: Any) -> Any:
        """The outputs for ``X``: recorded for a Tensor, else as :meth:`predict`."""
        if not isinstance(X, Tensor):
            return self.predict(X)
        if not self.is_built:
            self.build(X.shape[1:])
        constants = {name: _leaf(array, name) for name, array in self.parameters.items()}
        kept = {name: _leaf(array, name) for name, array in self.statistics.items()}
        return self.forward(X, constants, kept, Mode())[0]

    def graph(self, rows: int = 1, *, loss: Any = None) -> Graph:
        """The graph of the forward pass for ``rows`` samples, to be read or compiled.

        Without a loss: inputs X, every parameter and the running statistics; the output is the
        prediction. With a loss: inputs X, y and every parameter; the output is the loss as a step
        of training takes it (BatchNorm uses the batch's own mean, Dropout drops: then there is one
        more input, the ``key`` of its random numbers). ``backward()`` of it is the gradient with
        respect to the parameters.

        Args:
            rows: how many samples.
            loss: a name or a function (outputs, targets). Targets y are whole numbers for
                "cross_entropy", else numbers in the shape of the outputs.

        Raises:
            OptionError: ``rows`` is not a number of rows, or an unknown loss.
        """
        if not isinstance(rows, int | np.integer) or isinstance(rows, bool) or rows < 1:
            raise OptionError(
                f"graph takes how many rows to record for, 1 or more, got {type(rows).__name__}. "
                "For data write net.graph(len(X))."
            )
        x = placeholder((rows, *self._built_shape()), self.dtype, "X")
        p = {name: placeholder(a.shape, a.dtype, name) for name, a in self.parameters.items()}
        s = {name: placeholder(a.shape, a.dtype, name) for name, a in self.statistics.items()}
        if loss is None:
            with every_node() as nodes:
                output, _ = self.forward(x, p, s, Mode())
            inputs = [x, *p.values(), *s.values()]
        else:
            used = self.loss_for(loss)
            key = placeholder((2,), np.uint32, "key")
            y = self._targets(rows, used)
            with every_node() as nodes:
                output = used(self.forward(x, p, s, Mode(training=True, key=key))[0], y)
            inputs = [x, y, *p.values()]
            if any(layer.is_random for layer in self.layers):
                inputs.append(key)
        notes = Notes(tuple(nodes), parameters=tuple(p.values()), sources=sources_of(nodes))
        return Graph(inputs, [output], notes=notes).simplify()

    def _targets(self, rows: int, used: Loss) -> Tensor:
        if used.kind == "classes":
            return placeholder((rows,), np.int64, "y")
        return placeholder((rows, *self.output_shape), self.dtype, "y")

    # --- using ---------------------------------------------------------------------------------

    def predict(self, X: Any, *, engine: str = "numpy") -> Array:
        """The outputs for the samples ``X``: an array (n, ...).

        Raises:
            ShapeError, DtypeError, DataError: ``X`` does not fit, or is not finite.
        """
        return self._inference.outputs(fitting.inputs(X, self.dtype, self._built_shape()), engine)

    def predict_classes(self, X: Any, *, engine: str = "numpy") -> Array:
        """The label of each sample: the largest output, or 1 where the only output is above 0.5."""
        return classes(self.predict(X, engine=engine))

    def evaluate(
        self, X: Any, y: Any, *, loss: Any = None, metrics: Any = (), sample_weight: Any = None,
        engine: str = "numpy",
    ) -> dict[str, float]:  # fmt: skip
        """The loss and the metrics on ``X`` and ``y``, as a dict.

        Args:
            loss: default: that of the last fit, else the one that suits the last activation.
            metrics: names or functions (outputs, targets), such as "accuracy".
        """
        used = self.loss_for(loss)
        array = fitting.inputs(X, self.dtype, self._built_shape())
        t = fitting.targets(y, used, len(array), self.output_shape, self.dtype)
        w = fitting.weights(sample_weight, None, t, self.dtype)
        return self._inference.scores(array, t, w, used, metrics_of(metrics), engine)

    def fit(self, X: Any, y: Any, **options: Any) -> History:
        """Train on ``X`` and ``y``; returns the history. Options: :func:`chainrule.train.fit`."""
        from chainrule.train.fit import fit, fit_options

        return fit(self, X, y, **fit_options(options))

    @property
    def weight_names(self) -> list[str]:
        """The names of the weight matrices, W1, W2, ...: what a penalty on weights is of."""
        return [name for place in self._placed for k, name in place.parameters.items() if k == "W"]

    @property
    def last_activation(self) -> str | None:
        """The name of the activation that gives the outputs; None for none."""
        for layer in reversed(self.layers):
            if isinstance(layer, Dense | Activation):
                return activation_name(
                    layer.activation if isinstance(layer, Dense) else layer.function
                )
        return None

    def loss_for(self, spec: Any = None) -> Loss:
        """The loss meant: ``spec``, else the last fit's, else what suits the last activation.

        A final sigmoid asks for binary cross-entropy, a final softmax for cross-entropy, anything
        else for the mean squared error.

        Raises:
            OptionError: the network was read from a file, which could not hold its loss.
        """
        if spec is not None:
            return loss(spec)
        if self.loss is not None:
            return self.loss
        if self.lost_loss:
            raise OptionError(
                f"the network was trained by the loss {self.lost_loss!r}, a function, and its file "
                "holds only those that chainrule has a name for. Give it again: loss=..."
            )
        suits = {"sigmoid": "binary_cross_entropy", "softmax": "cross_entropy"}
        return loss(suits.get(self.last_activation or "", "mean_squared_error"))

    def summary(self) -> str:
        """A table: each layer, the shape of its output, and how many parameters it has."""
        return summary(self)

    def save(self, path: Any, **metadata: str) -> None:
        """Write the network to a safetensors file. See :func:`chainrule.formats.save`."""
        from chainrule.formats.safetensors_file import save

        save(self, path, metadata)

    def export(self, path: Any, **options: Any) -> None:
        """Write the network for another program: .onnx, .py, .pt or .safetensors (for PyTorch).

        See :func:`chainrule.formats.export`.
        """
        import_module("chainrule.formats.endings").export(self, path, **options)

    def program(self) -> str:
        """A Python file that predicts as this network does, and needs NumPy alone, as text.

        See :func:`chainrule.formats.python_source`.
        """
        return str(import_module("chainrule.formats.python_file").python_source(self))

    def snapshot(self) -> dict[str, Array]:
        """A copy of all parameters and statistics, for :meth:`restore`."""
        return {name: array.copy() for name, array in (self.parameters | self.statistics).items()}

    def restore(self, snapshot: Mapping[str, Array]) -> None:
        """Put a snapshot's numbers back, into the same arrays."""
        for name, array in (self.parameters | self.statistics).items():
            array[...] = snapshot[name]

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))}, dtype={self.dtype.name!r})"


def _sizes(given: Any) -> Shape:
    sizes = tuple(given) if isinstance(given, Sequence) else (given,)
    if not all(isinstance(n, int | np.integer) and n > 0 for n in sizes):
        raise ShapeError(
            f"the shape of one sample is made of whole numbers above 0, such as 784 or (28, 28); "
            f"got {given!r}."
        )
    return tuple(int(n) for n in sizes)


def _leaf(array: Array, name: str) -> Tensor:
    return Tensor(None, (), array, array.shape, array.dtype, name)

"""Graph: a computation that was recorded, as named inputs, outputs and the nodes between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from operator import attrgetter
from typing import Any

from chainrule.errors import GradientError, OptionError, RecordingError, unknown_name
from chainrule.graph.notes import BackwardPass, Notes
from chainrule.graph.op import CONSTANT
from chainrule.graph.structure import Structure
from chainrule.graph.tensor import Tensor

ENGINES: dict[str, Callable[[Graph], Callable[..., Any]]] = {}
"""How each engine compiles a graph, by the engine's name; filled by ``chainrule.engine``."""


class Graph:
    """An immutable recording: ``inputs``, ``outputs``, and ``nodes`` in topological order.

    ``nodes`` has every node that the outputs need, the inputs first. ``structure`` says how the
    outputs were arranged by the function that was traced (one, a tuple, a dict). ``order`` gives
    the nodes between inputs and outputs where it is not the order of recording. ``notes`` are for
    those who read the graph: see :mod:`chainrule.graph.notes`.
    """

    __slots__ = ("inputs", "nodes", "notes", "outputs", "structure")

    def __init__(
        self,
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        structure: Structure | None = None,
        order: Sequence[Tensor] | None = None,
        notes: Notes | None = None,
    ) -> None:
        self.inputs = tuple(inputs)
        self.notes = notes or Notes()
        self.outputs = tuple(outputs)
        self.structure = structure or Structure.of(
            outputs[0] if len(outputs) == 1 else tuple(outputs)
        )
        inner = needed(outputs, self.inputs) if order is None else order
        for node in inner:
            if node.op is None and not node.has_value:
                raise RecordingError(
                    f"the graph needs {node!r}, which is not among its inputs: it belongs to "
                    "another trace. Pass it as an argument of the traced function."
                )
        self.nodes = (*self.inputs, *inner)

    def input_names(self) -> list[str]:
        """The name of each input; an unnamed one is called x0, x1, ... by its place."""
        return [node.name or f"x{i}" for i, node in enumerate(self.inputs)]

    def input(self, name: str) -> Tensor:
        """The input called ``name``.

        Raises:
            OptionError: there is none, with the nearest name.
        """
        names = self.input_names()
        if name not in names:
            raise unknown_name("input", name, names)
        return self.inputs[names.index(name)]

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        return f"<Graph of {len(self.nodes)} nodes: {', '.join(self.input_names())}>"

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def verify(self) -> None:
        """Recompute every shape and dtype from the ops' rules.

        Raises:
            ShapeError, DtypeError, RecordingError: a node does not follow from its inputs.
        """
        from chainrule.graph.verify import verify

        verify(self)

    def simplify(self) -> Graph:
        """The same computation in fewer nodes."""
        from chainrule.graph.simplify import simplify

        return simplify(self)

    def backward(self, *wrt: str) -> Graph:
        """The graph of the gradient of the only output, with respect to inputs by name.

        Without names: the parameters of a network's graph, every input of any other.

        Raises:
            GradientError: there is not one output of one entry.
        """
        gradients, notes = self._differentiated(wrt)
        return Graph(self.inputs, gradients, notes=notes).simplify()

    def value_and_gradients(self, *wrt: str) -> Graph:
        """The graph of both passes: the only output, then its gradients as :meth:`backward`."""
        gradients, notes = self._differentiated(wrt)
        return Graph(self.inputs, [*self.outputs, *gradients], notes=notes).simplify()

    def _differentiated(self, wrt: Sequence[str]) -> tuple[list[Tensor], Notes]:
        from chainrule.graph.differentiate import gradients_and_cotangents

        if len(self.outputs) != 1 or self.outputs[0].size != 1:
            raise GradientError(
                f"backward needs a graph with one output of one entry, and this one gives "
                f"{', '.join(str(node.shape) for node in self.outputs)}."
            )
        nodes = [self.input(name) for name in wrt] or self.notes.parameters or self.inputs
        (output,) = self.outputs
        gradients, cotangents = gradients_and_cotangents(output, nodes)
        one = BackwardPass(output, tuple(nodes), cotangents)
        return gradients, self.notes.with_pass(one, self.nodes)

    def formula(self) -> str:
        """The graph in a textbook's notation, as LaTeX: see :mod:`chainrule.show.formula`."""
        return str(import_module("chainrule.show.formula").formula(self))

    def mathml(self) -> str:
        """The formula as MathML, for a page: see :mod:`chainrule.show.mathml`."""
        return str(import_module("chainrule.show.mathml").mathml(self))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.formula()}$"

    def program(self, *wrt: str, style: str = "function") -> str:
        """The graph as a NumPy program: see :func:`chainrule.show.program.program`."""
        return str(import_module("chainrule.show.program").program(self, *wrt, style=style))

    def symbolic(self, **values: Any) -> Any:
        """The graph in SymPy, entry by entry: see :func:`chainrule.show.symbolic.symbolic`."""
        return import_module("chainrule.show.symbolic").symbolic(self, **values)

    def walk(self, /, *values: Any, **named: Any) -> Any:
        """Every number, forward and then backward: see :mod:`chainrule.show.walk`.

        Args:
            values: arrays in the order of ``inputs``, or by name.

        Raises:
            OptionError, ShapeError, DtypeError: an input lacks its array, or does not fit it.
        """
        return import_module("chainrule.show.walk").walk(self, *values, **named)

    def draw(self, path: Any = None, **options: Any) -> Any:
        """The graph as an SVG picture: see :func:`chainrule.show.drawing.drawing.draw`.

        Args:
            path: a file to write it to, whose name ends with .svg.
            options: values, gradients, collapse, parameters, direction, title.
        """
        return import_module("chainrule.show.drawing").draw(self, path, **options)

    def compile(self, engine: str = "numpy") -> Callable[..., Any]:
        """A function of arrays that runs this graph, in the order of ``inputs``.

        Raises:
            OptionError: no such engine.
        """
        import_module("chainrule.engine")  # fills the table
        if not isinstance(engine, str) or engine not in ENGINES:
            raise unknown_name("engine", engine, ENGINES)
        return ENGINES[engine](self)

    def evaluate(self, *arguments: Any, engine: str = "reference", **named: Any) -> Any:
        """Run once: arrays in the order of ``inputs``, or by name."""
        names = self.input_names()
        rest = names[len(arguments) :]
        if len(arguments) > len(names) or set(named) != set(rest):
            raise OptionError(
                f"the graph takes {', '.join(names)}; given were {len(arguments)} arrays by place"
                f"{' and ' + ', '.join(named) if named else ''}."
            )
        return self.compile(engine)(*arguments, *[named[name] for name in rest])


def needed(outputs: Iterable[Tensor], stop: Iterable[Tensor] = ()) -> list[Tensor]:
    """Every node that the outputs need, in the order of recording; nothing before ``stop``."""
    seen = set(stop)
    found = []
    for node in outputs:
        if node not in seen:
            seen.add(node)
            found.append(node)
    for node in found:  # which grows while it is walked
        for x in node.inputs:
            if x not in seen:
                seen.add(x)
                found.append(x)
    found.sort(key=_recorded)
    return found


_recorded = attrgetter("index")


def rewired(node: Tensor, inputs: tuple[Tensor, ...]) -> Tensor:
    """The same op on other inputs; the node itself if it has none, or they are the same."""
    if not node.inputs:
        return node
    if not node.has_value and all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
        return node
    fresh = Tensor(node.op, inputs, None, node.shape, node.dtype, node.name)
    fresh.scope, fresh.place = node.scope, node.place
    return fresh


def rebuilt(graph: Graph, become: Mapping[Tensor, Tensor]) -> Graph:
    """The graph with its outputs replaced, after a transform mapped old nodes to new ones.

    A new node takes the place of its old one: the order of recording is kept, because it decides
    how long a result must be remembered.
    """
    outputs = [become[node] for node in graph.outputs]
    wanted = set(needed(outputs, graph.inputs))
    order: list[Tensor] = []
    for old in graph.nodes[len(graph.inputs) :]:
        stack = [become[old]]
        while stack:
            node = stack[-1]
            before = [x for x in node.inputs if x in wanted] if node in wanted else []
            if before:
                stack.extend(before)
                continue
            stack.pop()
            if node in wanted:
                wanted.remove(node)
                order.append(node)
    notes = graph.notes.moved(become, (*graph.inputs, *order))
    return Graph(graph.inputs, outputs, graph.structure, order, notes)


def _lines(graph: Graph) -> Iterable[str]:
    number = {node: i for i, node in enumerate(graph.nodes)}
    inputs = set(graph.inputs)
    rows = []
    for node in graph.nodes:
        if node.op is None or node.op is CONSTANT:
            kind = "input" if node in inputs else "constant"
            detail = node.name or (
                f"{node.value.item():g}" if node.has_value and node.size == 1 else ""
            )
            rows.append((f"%{number[node]}", kind, detail, _typed(node), "", ""))
        else:
            came = " ".join(f"%{number[x]}" for x in node.inputs)
            rows.append(
                (f"%{number[node]}", repr(node.op), came, _typed(node), node.scope, node.place)
            )
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(6)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield "returns " + " ".join(f"%{number[node]}" for node in graph.outputs)


def _typed(node: Tensor) -> str:
    return f"{node.dtype}{list(node.shape)}"

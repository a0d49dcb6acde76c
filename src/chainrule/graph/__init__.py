"""The recorded graph: ops, tensors, graphs, and the transforms from graph to graph."""

from importlib import import_module

from chainrule.graph.batch import batch
from chainrule.graph.differentiate import differentiate
from chainrule.graph.functional import grad, value_and_grad
from chainrule.graph.graph import Graph
from chainrule.graph.op import OPS, Op
from chainrule.graph.simplify import simplify
from chainrule.graph.tensor import Tensor, tensor
from chainrule.graph.trace import trace
from chainrule.graph.verify import verify

__all__ = [
    "OPS",
    "Graph",
    "Op",
    "Tensor",
    "batch",
    "differentiate",
    "grad",
    "simplify",
    "tensor",
    "trace",
    "value_and_grad",
    "verify",
]

# Nothing here needs an op, but a Tensor without a table of ops could not even add: whoever comes
# through this door gets the table filled.
import_module("chainrule.ops")

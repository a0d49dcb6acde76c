"""chainrule: neural networks that people can see through.

A computation is recorded once as a graph, and everything is a reading of that graph: run it,
differentiate it, compile it, check it, print it, draw it. Start with ``chainrule.graph.op``.
"""

from chainrule import engine, ops
from chainrule.graph import (
    Graph,
    Op,
    Tensor,
    differentiate,
    grad,
    simplify,
    tensor,
    trace,
    value_and_grad,
    verify,
)

"""Engines: what runs a graph. ``reference`` is the definition, ``numpy`` the fast one."""

from chainrule.engine.numpy_engine import Program, compile_numpy
from chainrule.engine.reference import compile_reference, evaluate_nodes
from chainrule.graph.graph import ENGINES

ENGINES["reference"] = compile_reference
ENGINES["numpy"] = compile_numpy

__all__ = ["Program", "compile_numpy", "compile_reference", "evaluate_nodes"]

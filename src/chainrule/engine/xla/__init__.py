"""The XLA engine: JAX compiles the same graph to one program, and many steps of training to one.

JAX only runs the graph: derivatives, simplification and training are chainrule's own. Each op's
value is written over an array namespace, so it is handed ``jax.numpy`` in place of NumPy. Data lies
on JAX's default device (a GPU or TPU where there is one) and goes in as an argument, never as a
constant. One compilation serves any number of steps on batches of one shape, and every later
training of a network of that form (``compiled``).

Results agree with the reference engine within rounding, not bit for bit: XLA fuses calls and adds
in an order of its own. On one machine the same seed gives the same bits again.
"""

from chainrule.engine.xla.compiled import compile_seconds
from chainrule.engine.xla.program import XlaProgram, compile_xla
from chainrule.engine.xla.repeated import XlaRepeated
from chainrule.engine.xla.runtime import jax_module
from chainrule.engine.xla.shared import SharedRepeated

__all__ = [
    "SharedRepeated",
    "XlaProgram",
    "XlaRepeated",
    "compile_seconds",
    "compile_xla",
    "jax_module",
]

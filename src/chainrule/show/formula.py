"""Formula: a graph in the matrix notation of textbooks, as LaTeX.

Rows are samples, ⊙ is the product entry by entry, and a sum has its index: Σ_i A_i: adds up rows.
A sum over all entries is written entry by entry, as in Σ_i (ŷ_i - y_i)².
"""

from __future__ import annotations

from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT
from chainrule.show.latex import Latex
from chainrule.show.reading import Reading, reading
from chainrule.show.textbook import textbook


def formula(graph: Graph) -> str:
    """LaTeX, a line for each statement, aligned at the equals signs.

    A graph as it was recorded gives its forward pass. A graph made by ``backward`` gives the
    intermediates that it needs, then the gradients.
    """
    lines = [f"{left} &= {right}" for left, right in statements(graph)]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def statements(graph: Graph) -> list[tuple[str, str]]:
    """The two sides of each line of the formula, in LaTeX."""
    read = reading(graph, textbook)
    writer = Latex(read)
    outputs = set(read.graph.outputs)
    written = [(node, writer.statement(node)) for node in read.statements]
    found = [
        (read.names[node].latex, right)
        for node, right in written
        if node.op is not CONSTANT or node in writer.mentioned or node in outputs
    ]
    found += [(name.latex, writer.write(node).text) for name, node in read.repeats.values()]
    if writer.says_rows:
        found.append((read.rows.letter, _rows(read)))
    return found


def _rows(read: Reading) -> str:
    assert read.rows.input is not None
    name = read.names[read.rows.input].latex
    return rf"{read.rows.count} \quad \text{{(rows of }} {name} \text{{)}}"

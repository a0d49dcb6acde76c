"""MathML: the formula of a graph for a web page, which every browser shows without a script.

The LaTeX is the source; the package latex2mathml turns each line of it into MathML, and a table
aligns them at their equals signs.
"""

from __future__ import annotations

import re

from chainrule.errors import optional_package
from chainrule.graph.graph import Graph
from chainrule.show.formula import statements

_SPACE = "http://www.w3.org/1998/Math/MathML"


def mathml(graph: Graph) -> str:
    """The formula of ``graph`` as one ``<math display="block">`` element.

    Raises:
        MissingPackageError: latex2mathml is not installed.
    """
    rows = [
        f'<mtr><mtd style="text-align: right">{_piece(left)}</mtd><mtd>{_piece("=")}</mtd>'
        f'<mtd style="text-align: left">{_piece(right)}</mtd></mtr>'
        for left, right in statements(graph)
    ]
    table = f'<mtable displaystyle="true">{"".join(rows)}</mtable>'
    return f'<math xmlns="{_SPACE}" display="block">{table}</math>'


def _piece(latex: str) -> str:
    """One side of a line, without the ``math`` element around it."""
    package = optional_package("latex2mathml.converter", "show", "MathML")
    whole = str(package.convert(latex, display="block"))
    match = re.fullmatch(r"<math[^>]*>(.*)</math>", whole, re.DOTALL)
    assert match is not None
    return match[1]
